#include "d2v/nn/attention_dropout.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "d2v/base/philox_functor.h"
#include "device_random.h"

namespace d2v {

at::Tensor attention_dropout(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  if (keys.empty() || p == 0) return x;
  if (x.is_cuda()) return x * device_attention_factors(x, p, keys, site);
  const int64_t heads = x.size(1), queries = x.size(2), width = x.size(3);
  const uint32_t threshold = static_cast<uint32_t>(std::min(p * 4294967296.0, 4294967295.0));
  const float kept = static_cast<float>(1.0 / (1.0 - p));
  at::Tensor factors = at::empty(x.sizes(), at::kFloat);
  float* out = factors.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t query = 0; query < queries; ++query) {
        Philox random(philox::at_query(keys[r / heads], site, r % heads, query));
        float* to = out + (r * queries + query) * width;
        for (int64_t i = 0; i < width; ++i) to[i] = random() < threshold ? 0.0f : kept;
      }
    }
  });
  return x * factors.to(x.scalar_type());
}

}  // namespace d2v
