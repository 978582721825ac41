#include "d2v/model/bert_tokens.h"

#include "d2v/nn/aten.h"

namespace d2v {

at::Tensor corrupt_tokens(const at::Tensor& tokens, const at::Tensor& masked, int64_t mask_token,
                          const Data2Vec1Config& config, const RowKeys& keys) {
  if (!tokens.is_cpu())  // a few thousand integers; waits for the device
    return corrupt_tokens(tokens.cpu(), masked.cpu(), mask_token, config, keys).to(tokens.device());
  at::Tensor out = tokens.clone();
  const int64_t length = tokens.size(1), count = masked.size(2);
  int64_t* data = out.mutable_data_ptr<int64_t>();
  const int64_t* index = masked.const_data_ptr<int64_t>();
  for (size_t row = 0; row < keys.size(); ++row) {
    RngKey key = keys[row];
    key.stream = Stream::corruption;
    Philox random(key);
    int64_t* tokens_of_row = data + static_cast<int64_t>(row) * length;
    for (int64_t j = 0; j < count; ++j) {
      const double chance = random.uniform();
      const uint32_t other = random.below(static_cast<uint32_t>(mask_token - first_plain_token));
      int64_t& token = tokens_of_row[index[static_cast<int64_t>(row) * count + j]];
      if (chance < config.mask_share)
        token = mask_token;
      else if (chance < config.mask_share + config.random_share)
        token = first_plain_token + other;
    }
  }
  return out;
}

}  // namespace d2v
