#include "stored_arena.h"

#include <cmath>
#include <cstring>
#include <unordered_set>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/positions.h"

namespace d2v {
namespace {

constexpr size_t kNamed = 3;  // differences that a message names; the rest is counted

template <class Visit>
void for_each(const ParameterLayout& layout, std::span<const StoredArena> arenas, const Visit& visit) {
  for (const StoredArena& a : arenas) {
    for (const Parameter& p : layout.all()) {
      if (a.stored(p)) visit(a.prefix + p.name, p, a.arena);
    }
  }
}

std::string listed(const std::vector<std::string>& all) {
  const std::vector<std::string> first(all.begin(),
                                       all.begin() + static_cast<long>(std::min(kNamed, all.size())));
  return fmt::format("{}{}", fmt::join(first, ", "), all.size() > kNamed ? ", …" : "");
}

bool is_other(const std::string& name, Strictness strictness) {
  if (strictness == Strictness::exact) return false;
  if (name.starts_with("adam.first.") || name.starts_with("adam.second.")) return true;
  return strictness == Strictness::others_may_follow &&
         (name.starts_with("teacher.") || name.ends_with("positions"));
}

}  // namespace

std::vector<TensorToStore> tensors_of(const ParameterLayout& layout, std::span<const StoredArena> arenas) {
  std::vector<TensorToStore> out;
  for_each(layout, arenas, [&](const std::string& name, const Parameter& p, const at::Tensor& arena) {
    out.push_back({name, Dtype::f32, p.shape, arena.const_data_ptr<float>() + p.offset});
  });
  return out;
}

void check_fit(const SafetensorsReader& file, const ParameterLayout& layout,
               std::span<const StoredArena> arenas, Strictness strictness) {
  std::vector<std::string> missing, different, unknown;
  std::unordered_set<std::string> expected;
  for_each(layout, arenas, [&](const std::string& name, const Parameter& p, const at::Tensor&) {
    if (!expected.insert(name).second) return;  // teacher and student read from the same tensor
    const StoredTensor* found = file.find(name);
    if (found == nullptr) {
      missing.push_back(name);
    } else if (found->shape != p.shape || found->dtype != Dtype::f32) {
      different.push_back(fmt::format("{}: expected F32 [{}], found {} [{}]", name, fmt::join(p.shape, ", "),
                                      dtype_name(found->dtype), fmt::join(found->shape, ", ")));
    }
  });
  for (const StoredTensor& t : file.tensors()) {
    if (!expected.contains(t.name) && !is_other(t.name, strictness)) unknown.push_back(t.name);
  }
  if (missing.empty() && different.empty() && unknown.empty()) return;
  std::string what;
  if (!missing.empty())
    what += fmt::format("\n  {} tensors are missing: {}", missing.size(), listed(missing));
  if (!different.empty()) what += fmt::format("\n  {} differ: {}", different.size(), listed(different));
  if (!unknown.empty()) what += fmt::format("\n  {} are unknown here: {}", unknown.size(), listed(unknown));
  fail<DataError>(
      "{} holds another model:{}\nUse the configuration that it was made with (d2v config diff shows the "
      "difference), or another checkpoint",
      file.path().string(), what);
}

void copy_into(const SafetensorsReader& file, const ParameterLayout& layout,
               std::span<const StoredArena> arenas) {
  for_each(layout, arenas, [&](const std::string& name, const Parameter& p, const at::Tensor& arena) {
    const auto bytes = file.at(name).bytes;
    at::Tensor host = arena.is_cpu() ? view_of(arena, p) : at::empty(p.shape, at::kFloat);
    std::memcpy(host.mutable_data_ptr<float>(), bytes.data(), bytes.size());
    if (!arena.is_cpu()) view_of(arena, p).copy_(host);
  });
}

at::Tensor interpolated(const SafetensorsReader& file, const std::string& name,
                        const std::vector<int64_t>& shape) {
  const StoredTensor& stored = file.at(name);
  const auto side_of = [](int64_t count) { return std::llround(std::sqrt(static_cast<double>(count))); };
  const bool square = stored.dtype == Dtype::f32 && stored.shape.size() == 3 && stored.shape[0] == 1 &&
                      side_of(stored.shape[1]) * side_of(stored.shape[1]) == stored.shape[1];
  check<DataError>(square && stored.shape[2] == shape.at(2),
                   "{}: the positions {} have shape [{}]; needed are [1, d·d, {}] for some grid side d to "
                   "interpolate from",
                   file.path().string(), name, fmt::join(stored.shape, ", "), shape.at(2));
  at::Tensor positions = at::empty(stored.shape, at::kFloat);
  std::memcpy(positions.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
  return stored.shape == shape ? positions : resize_positions(positions, side_of(shape.at(1)));
}

}  // namespace d2v
