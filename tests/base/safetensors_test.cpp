#include "d2v/base/safetensors.h"

#include <cstring>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/philox.h"
#include "has.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;

namespace {

constexpr uint64_t kLimit = 1 << 24;

// A file with this header and data.
std::string file_of(const std::string& header, const std::string& data) {
  uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

// The error that reading it gives; empty when it is read.
std::string read_error(const std::string& contents) {
  test::TemporaryFolder folder;
  write_file(folder / "x.safetensors", contents);
  try {
    SafetensorsReader reader(folder / "x.safetensors");
  } catch (const DataError& error) {
    CHECK(std::string(error.what()).find("x.safetensors") != std::string::npos);
    return error.what();
  }
  return "";
}

std::string read_error(const std::string& header, const std::string& data) {
  return read_error(file_of(header, data));
}

}  // namespace

TEST_CASE("what is written is read back: names, dtypes, shapes, bytes, metadata") {
  test::TemporaryFolder folder;
  Philox rng({.seed = 31});
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> data;
    std::vector<TensorToStore> tensors;
    for (uint32_t i = 0, n = rng.below(8); i < n; ++i) {
      TensorToStore tensor{.name = "layer." + std::to_string(i) + ".\"ü",
                           .dtype = static_cast<Dtype>(rng.below(15)),
                           .shape = {}};
      size_t size = dtype_size(tensor.dtype);
      for (uint32_t d = rng.below(4); d > 0; --d) {
        tensor.shape.push_back(rng.below(6));
        size *= static_cast<size_t>(tensor.shape.back());
      }
      std::string& bytes = data.emplace_back(size, '\0');
      for (char& byte : bytes) byte = static_cast<char>(rng());
      tensors.push_back(tensor);
    }
    for (size_t i = 0; i < tensors.size(); ++i) tensors[i].data = data[i].data();
    std::map<std::string, std::string> metadata;
    if (rng.below(2)) metadata = {{"config", "[run]\nseed = 1\n"}, {"empty", ""}};
    write_safetensors(folder / "a", tensors, metadata);

    const SafetensorsReader reader(folder / "a");
    REQUIRE(reader.metadata() == metadata);
    REQUIRE(reader.tensors().size() == tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const StoredTensor& found = reader.at(tensors[i].name);
      REQUIRE(found.dtype == tensors[i].dtype);
      REQUIRE(found.shape == tensors[i].shape);
      REQUIRE(found.bytes.size() == data[i].size());
      REQUIRE(found.count() ==
              std::accumulate(found.shape.begin(), found.shape.end(), int64_t{1}, std::multiplies<>()));
      REQUIRE(std::equal(found.bytes.begin(), found.bytes.end(),
                         reinterpret_cast<const std::byte*>(data[i].data())));
      REQUIRE(reinterpret_cast<uintptr_t>(found.bytes.data()) % dtype_size(found.dtype) == 0);  // aligned
    }
  }
}

TEST_CASE("a file of another writer is read: padded header, any order, no metadata") {
  const std::string header =
      R"({"b":{"shape":[],"dtype":"I64","data_offsets":[4,12]},"a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}   )";
  test::TemporaryFolder folder;
  write_file(folder / "a", file_of(header, "abcdefghijkl"));
  const SafetensorsReader reader(folder / "a");
  REQUIRE(reader.tensors().size() == 2);
  CHECK(reader.tensors()[0].name == "a");
  CHECK(reader.at("b").count() == 1);
  CHECK(dtype_name(reader.at("a").dtype) == "BF16");
  CHECK(reader.find("c") == nullptr);
  CHECK_THROWS_AS(reader.at("c"), DataError);
}

TEST_CASE("a file cut anywhere is refused") {
  test::TemporaryFolder folder;
  const std::vector<float> values(10, 1.5f);
  const std::vector<TensorToStore> tensors{{"weights", Dtype::f32, {2, 5}, values.data()},
                                           {"empty", Dtype::u8, {0}, nullptr}};
  write_safetensors(folder / "a", tensors, {{"k", "v"}});
  const std::string whole = read_file(folder / "a", kLimit);
  CHECK(read_error(whole).empty());
  for (size_t length = 0; length < whole.size(); ++length) {
    INFO(length);
    CHECK_FALSE(read_error(whole.substr(0, length)).empty());
  }
  CHECK(test::has(read_error(whole + "x"), "1 bytes at the end belong to no tensor"));
}

TEST_CASE("a file with one changed byte in the header is read or refused, never worse") {
  test::TemporaryFolder folder;
  const std::vector<float> values(10, 1.5f);
  write_safetensors(folder / "a", std::vector<TensorToStore>{{"w", Dtype::f32, {2, 5}, values.data()}},
                    {{"k", "v"}});
  const std::string whole = read_file(folder / "a", kLimit);
  Philox rng({.seed = 32});
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string changed = whole;
    changed[rng.below(static_cast<uint32_t>(whole.size() - 40))] = static_cast<char>(rng());
    refused += !read_error(changed).empty();
  }
  CHECK(refused > 1000);
}

TEST_CASE("damaged headers are refused by name") {
  const std::string data = "abcdefgh";
  const auto tensor = [&](const std::string& fields) { return read_error("{\"w\":{" + fields + "}}", data); };
  CHECK(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])").empty());
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
                  "tensor 'w': dtype F32 and shape [3] need 12"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,9])"), "cut short"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), "its data is at 8 to 0"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,-1])"), "from 0 up, found -1"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8.0])"), "from 0 up, found 8.0"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), "two data_offsets"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "found -2"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), "expected a list"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
                  "too large"));
  CHECK(test::has(tensor(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"), "unknown dtype \"F33\""));
  CHECK(test::has(tensor(R"("dtype":1,"shape":[2],"data_offsets":[0,8])"), "unknown dtype 1"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2])"), "expected dtype, shape and data_offsets"));
  CHECK(test::has(tensor(R"("dtype":"F32","shape":[2],"offsets":[0,8])"), "lacks 'data_offsets'"));
  CHECK(
      test::has(tensor(R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])"), "'dtype' twice"));
  const std::string half = R"("w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  CHECK(test::has(read_error("{" + half + "," + half + "}", data), "'w' twice"));
  CHECK(test::has(read_error("{" + half + "}", data), "4 bytes at the end"));
  CHECK(test::has(read_error("{" + half + R"(,"v":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})", data),
                  "gap"));
  CHECK(test::has(read_error("{" + half + R"(,"v":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})", data),
                  "overlaps"));
  CHECK(test::has(read_error("{\"w\":3}", ""), "expected dtype"));
  CHECK(test::has(read_error("{", ""), "not valid JSON"));
  CHECK(test::has(read_error("[]", ""), "starts with '{'"));
  CHECK(test::has(read_error("", ""), "starts with '{'"));
  CHECK(test::has(read_error(R"({"__metadata__":{"a":1}})", ""), "expected text for metadata 'a'"));
  CHECK(test::has(read_error(R"({"__metadata__":[]})", ""), "expected an object"));
  CHECK(test::has(read_error("{\"a\":" + std::string(100000, '[') + "", ""), "nested deeper"));
  CHECK(read_error("{}", "").empty());
}

TEST_CASE("a file that is something else is refused before its size is believed") {
  CHECK(test::has(read_error("PNG\x89 and some more text to be long enough"), "is it a safetensors file?"));
  CHECK(test::has(read_error(std::string(8, '\xff')), "is it a safetensors file?"));
  CHECK(test::has(read_error(""), "found only 0 bytes"));
  CHECK_THROWS_AS(SafetensorsReader("/nowhere/x.safetensors"), DataError);
  CHECK_THROWS_AS(SafetensorsReader("/"), DataError);
  CHECK_THROWS_AS(SafetensorsReader("/dev/null"), DataError);
}

TEST_CASE("the writer refuses what no reader could take, and keeps the old file") {
  test::TemporaryFolder folder;
  write_file(folder / "a", "old");
  const float x = 1;
  const auto refused = [&](std::vector<TensorToStore> tensors) {
    CHECK_THROWS_AS(write_safetensors(folder / "a", tensors), Error);
    CHECK(read_file(folder / "a", kLimit) == "old");
  };
  refused({{"w", Dtype::f32, {1}, &x}, {"w", Dtype::f32, {1}, &x}});
  refused({{"__metadata__", Dtype::f32, {1}, &x}});
  refused({{"w", Dtype::f32, {-1}, &x}});
  refused({{"w", Dtype::f32, {1}, nullptr}});
  refused({{"\xff", Dtype::f32, {1}, &x}});
}
