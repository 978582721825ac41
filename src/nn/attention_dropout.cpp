#include "d2v/nn/attention_dropout.h"

#include <ATen/Parallel.h>

#include "d2v/nn/aten.h"
#include "device_random.h"
#include "dropout_stream.h"

namespace d2v {

at::Tensor attention_dropout(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  if (keys.empty() || p == 0) return x;
  if (x.is_cuda()) return x * device_attention_factors(x, p, keys, site);
  const int64_t heads = x.size(1), queries = x.size(2), width = x.size(3);
  at::Tensor factors = at::ones(x.sizes(), at::kFloat);
  float* out = factors.mutable_data_ptr<float>();
  at::parallel_for(0, x.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t query = 0; query < queries; ++query)
        drop_stream(attention_dropout_key(keys[r / heads], site, r % heads, query), p, 0,
                    out + (r * queries + query) * width, width);
  });
  return x * factors.to(x.scalar_type());
}

}  // namespace d2v
