#include "dropout_stream.h"

#include <algorithm>
#include <array>

#include "d2v/base/philox_bits.h"
#include "d2v/base/philox_functor.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

namespace {
float kept_factor(double p) { return static_cast<float>(1.0 / (1.0 - p)); }
}  // namespace

RngKey dropout_key(RngKey key, uint32_t site) { return philox::at_site(key, Stream::dropout, site); }

RngKey attention_dropout_key(RngKey key, uint32_t site, int64_t head, int64_t query) {
  return philox::at_query(key, site, head, query);
}

template <class T>
void drop_stream(const RngKey& stream, double p, int64_t offset, T* x, int64_t count) {
  constexpr int64_t piece = 1024;
  const uint32_t threshold = static_cast<uint32_t>(std::min(p * 4294967296.0, 4294967295.0));
  std::array<uint32_t, piece> bits;
  for (int64_t i = 0; i < count; i += piece) {
    const int64_t n = std::min(piece, count - i);
    fill_bits(stream, static_cast<uint64_t>(offset + i), {bits.data(), static_cast<size_t>(n)});
    row_kernels<T>().drop(bits.data(), threshold, static_cast<T>(kept_factor(p)), x + i, n);
  }
}
template void drop_stream(const RngKey&, double, int64_t, float*, int64_t);
template void drop_stream(const RngKey&, double, int64_t, double*, int64_t);

float drop_path_factor(RngKey key, double p, uint32_t site) {
  return Philox(philox::at_site(key, Stream::drop_path, site)).uniform() < p ? 0.0f : kept_factor(p);
}

}  // namespace d2v
