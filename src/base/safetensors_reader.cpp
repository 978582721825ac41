#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/nearest.h"
#include "d2v/base/safetensors.h"
#include "safetensors_format.h"

namespace d2v {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

// Parses the header; refuses names given twice and nesting that the format does not have.
Json parse_header(std::string_view text, const std::string& path) {
  std::vector<std::set<std::string>> names;  // of each open object
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      check<DataError>(depth < 3, "{}: the header is nested deeper than safetensors headers are", path);
      names.emplace_back();
    } else if (event == Json::parse_event_t::object_end || event == Json::parse_event_t::array_end) {
      names.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& name = value.get_ref<const std::string&>();
      check<DataError>(names.back().insert(name).second, "{}: the header has '{}' twice", path, name);
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& error) {
    fail<DataError>("{}: the header is not valid JSON ({}); the file is damaged or no safetensors file", path,
                    error.what());
  }
}

// A JSON number that is a whole number from 0 to 2^63 - 1.
uint64_t whole_number(const Json& value, const std::string& where) {
  check<DataError>(value.is_number_unsigned() && value.get<uint64_t>() < uint64_t{1} << 63,
                   "{}: expected a whole number from 0 up, found {}", where, value.dump());
  return value.get<uint64_t>();
}

const Json& field(const Json& entry, const char* name, const std::string& where) {
  const auto found = entry.find(name);
  check<DataError>(found != entry.end(), "{}: the header lacks '{}'", where, name);
  return *found;
}

// One entry of the header, checked against the size of the data.
StoredTensor read_entry(const std::string& name, const Json& entry, std::span<const std::byte> data,
                        const std::string& path) {
  const std::string where = fmt::format("{}: tensor '{}'", path, name);
  check<DataError>(entry.is_object() && entry.size() == 3,
                   "{}: expected dtype, shape and data_offsets, found {}", where,
                   entry.dump().substr(0, 200));
  StoredTensor tensor;
  tensor.name = name;
  const Json& dtype = field(entry, "dtype", where);
  const auto known = dtype.is_string() ? safetensors::dtype_of(dtype.get<std::string>()) : std::nullopt;
  check<DataError>(known.has_value(), "{}: unknown dtype {}", where, dtype.dump());
  tensor.dtype = *known;

  const Json& shape = field(entry, "shape", where);
  check<DataError>(shape.is_array(), "{}: expected a list for the shape, found {}", where, shape.dump());
  uint64_t size = dtype_size(tensor.dtype);
  for (const Json& side : shape) {
    const uint64_t n = whole_number(side, where + ", shape");
    check<DataError>(!__builtin_mul_overflow(size, n, &size), "{}: the shape {} is too large", where,
                     shape.dump());
    tensor.shape.push_back(static_cast<int64_t>(n));
  }

  const Json& offsets = field(entry, "data_offsets", where);
  check<DataError>(offsets.is_array() && offsets.size() == 2, "{}: expected two data_offsets, found {}",
                   where, offsets.dump());
  const uint64_t begin = whole_number(offsets[0], where + ", data_offsets");
  const uint64_t end = whole_number(offsets[1], where + ", data_offsets");
  check<DataError>(
      begin <= end && end <= data.size(),
      "{}: its data is at {} to {}, but the file has {} bytes of data; it was cut short or is damaged", where,
      begin, end, data.size());
  check<DataError>(end - begin == size, "{}: dtype {} and shape {} need {} bytes, found {}", where,
                   dtype_name(tensor.dtype), shape.dump(), size, end - begin);
  tensor.bytes = data.subspan(begin, size);
  return tensor;
}

}  // namespace

int64_t StoredTensor::count() const { return static_cast<int64_t>(bytes.size() / dtype_size(dtype)); }

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : path_(path), file_(path) {
  const auto bytes = file_.bytes();
  const std::string name = path.string();
  uint64_t length = 0;
  check<DataError>(bytes.size() >= sizeof length, "{}: expected a safetensors file, found only {} bytes",
                   name, bytes.size());
  std::memcpy(&length, bytes.data(), sizeof length);
  check<DataError>(length <= safetensors::kLargestHeader,
                   "{}: expected a header of at most {} bytes, found {}; is it a safetensors file?", name,
                   safetensors::kLargestHeader, length);
  check<DataError>(length <= bytes.size() - sizeof length, "{}: the header is cut short: {} bytes of {}",
                   name, bytes.size() - sizeof length, length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof length, length);
  check<DataError>(text.starts_with('{'),
                   "{}: expected a header that starts with '{{'; is it a safetensors file?", name);
  const auto data = bytes.subspan(sizeof length + length);

  const Json header = parse_header(text, name);
  for (const auto& [key, entry] : header.items()) {
    if (key != "__metadata__") {
      tensors_.push_back(read_entry(key, entry, data, name));
      continue;
    }
    check<DataError>(entry.is_object(), "{}: expected an object for __metadata__", name);
    for (const auto& [field_name, value] : entry.items()) {
      check<DataError>(value.is_string(), "{}: expected text for metadata '{}'", name, field_name);
      metadata_[field_name] = value.get<std::string>();
    }
  }

  // Every byte belongs to exactly one tensor.
  std::sort(tensors_.begin(), tensors_.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  const std::byte* next = data.data();
  for (const StoredTensor& tensor : tensors_) {
    check<DataError>(tensor.bytes.data() == next, "{}: tensor '{}' {} the one before it", name, tensor.name,
                     tensor.bytes.data() < next ? "overlaps" : "leaves a gap after");
    next += tensor.bytes.size();
  }
  check<DataError>(next == data.data() + data.size(), "{}: {} bytes at the end belong to no tensor", name,
                   data.data() + data.size() - next);
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

const StoredTensor* SafetensorsReader::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const StoredTensor& SafetensorsReader::at(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr) {
    std::vector<std::string> names;
    for (const StoredTensor& t : tensors_) names.push_back(t.name);
    fail<DataError>("{}: there is no tensor '{}'{}", path_.string(), name, suggestion(name, names));
  }
  return *tensor;
}

}  // namespace d2v
