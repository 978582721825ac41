#include "d2v/nn/fused_block.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "block_tiles.h"
#include "d2v/base/check.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// In the order of BlockParameters; without affine norms only the first eight.
variable_list parameters_of(const BlockWeights& w) {
  variable_list out{w.attention.qkv_weight,
                    w.attention.qkv_bias,
                    w.attention.proj_weight,
                    w.attention.proj_bias,
                    w.fc1_weight,
                    w.fc1_bias,
                    w.fc2_weight,
                    w.fc2_bias};
  if (w.norm1.weight.defined())
    out.insert(out.end(), {w.norm1.weight, w.norm1.bias, w.norm2.weight, w.norm2.bias});
  return out;
}
constexpr size_t fc1_weight_index = 4;

template <class P>
BlockParameters<P> by_name(std::vector<P> p) {
  p.resize(12);  // missing norms are null
  return {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11]};
}

template <class T>
BlockParameters<const T*> weight_pointers(const variable_list& parameters) {
  std::vector<const T*> out;
  for (const at::Tensor& p : parameters) out.push_back(p.const_data_ptr<T>());
  return by_name(std::move(out));
}

// The pieces of `flat`, laid out one parameter after the other.
template <class T>
BlockParameters<T*> gradient_pointers(const variable_list& parameters, T* flat) {
  std::vector<T*> out;
  for (const at::Tensor& p : parameters) {
    out.push_back(flat);
    flat += p.numel();
  }
  return by_name(std::move(out));
}

// Memory of a BlockState: what fused_block keeps between its passes.
struct StateTensors {
  at::Tensor qkv, mixed, normal1, rstd1, hidden, normal2, rstd2;

  template <class T>
  BlockState<T> pointers() const {
    const auto p = [](const at::Tensor& t) { return t.defined() ? t.mutable_data_ptr<T>() : nullptr; };
    return {p(qkv), p(mixed), p(normal1), p(rstd1), p(hidden), p(normal2), p(rstd2)};
  }
};

StateTensors make_state(const BlockShape& shape, bool keep, const at::TensorOptions& options) {
  const auto per_token = [&](int64_t width) { return at::empty({shape.tokens(), width}, options); };
  StateTensors out;
  out.qkv = per_token(3 * shape.dim);
  out.mixed = per_token(shape.dim);
  if (!keep) return out;
  out.normal1 = per_token(shape.dim);
  out.rstd1 = per_token(1);
  out.hidden = per_token(shape.hidden);
  out.normal2 = per_token(shape.dim);
  out.rstd2 = per_token(1);
  return out;
}

// The bias as the tiles read it, of x's type; strides of 0 where rows, heads or queries share it.
struct Bias {
  at::Tensor values;
  int64_t row_stride = 0, head_stride = 0, query_stride = 0;

  Bias(const at::Tensor& bias, at::ScalarType dtype) {
    if (!bias.defined()) return;
    values = bias.to(dtype).contiguous();
    const int64_t keys = values.size(3), square = values.size(2) * keys;
    query_stride = values.size(2) == 1 ? 0 : keys;
    head_stride = values.size(1) == 1 ? 0 : square;
    row_stride = values.size(0) == 1 ? 0 : square * values.size(1);
  }
  template <class T>
  BlockBias<T> view() const {
    return {values.defined() ? values.const_data_ptr<T>() : nullptr, row_stride, head_stride, query_stride};
  }
};

// How the work is cut: whole rows go through everything while they are in the cache. Where there are fewer rows than
// threads, the steps run one after the other, each over all threads.
struct Cut {
  int64_t tile_tokens, rows_per_tile;
  bool by_rows;
};

Cut cut_of(const BlockShape& shape) {
  const int64_t tokens = shape.hidden <= 1536 ? 128 : 256;  // MLP tiles of about 400 KB to 3 MB
  const int64_t rows = std::max<int64_t>(1, tokens / shape.length);
  return {std::max(tokens, rows * shape.length), rows, shape.rows >= 2 * at::get_num_threads()};
}

// f(first, count, thread) over [0, n) in pieces of at most `piece`; each thread has one contiguous range.
template <class F>
void in_pieces(int64_t n, int64_t piece, F&& f) {
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += piece) f(i, std::min(piece, end - i), at::get_thread_num());
  });
}

template <class T>
void forward_tiles(const BlockTiles<T>& tiles, const BlockShape& shape, const T* x,
                   const BlockState<T>& state, bool keep, T* ffn, T* out, const at::TensorOptions& options) {
  const Cut cut = cut_of(shape);
  const int64_t size = tiles.scratch_size(cut.tile_tokens);
  at::Tensor scratch = at::empty({at::get_num_threads(), size}, options);
  T* memory = scratch.mutable_data_ptr<T>();
  if (cut.by_rows) {
    in_pieces(shape.rows, cut.rows_per_tile, [&](int64_t row, int64_t rows, int thread) {
      tiles.attention(x, state, row, rows, memory + thread * size);
      tiles.rest(x, state, keep, row * shape.length, rows * shape.length, ffn, out, memory + thread * size);
    });
    return;
  }
  in_pieces(shape.rows, 1, [&](int64_t row, int64_t rows, int thread) {
    tiles.attention(x, state, row, rows, memory + thread * size);
  });
  in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
    tiles.rest(x, state, keep, first, tokens, ffn, out, memory + thread * size);
  });
}

// → gradients of all parameters, one after the other.
template <class T>
at::Tensor backward_tiles(const BlockTiles<T>& tiles, const BlockShape& shape,
                          const variable_list& parameters, const T* x, const BlockState<T>& state,
                          const T* out_gradient, T* dx, const at::TensorOptions& options) {
  const Cut cut = cut_of(shape);
  const int threads = at::get_num_threads();
  int64_t count = 0;
  for (const at::Tensor& p : parameters) count += p.numel();
  // Each thread adds up its own tiles in order, then the threads' sums are added in order: the same result every time.
  at::Tensor sums = at::zeros({threads, count}, options);
  std::vector<BlockParameters<T*>> sum;
  for (int t = 0; t < threads; ++t)
    sum.push_back(gradient_pointers(parameters, sums.mutable_data_ptr<T>() + t * count));

  const int64_t size = tiles.scratch_size(cut.tile_tokens), mixed_size = cut.tile_tokens * shape.dim;
  at::Tensor scratch = at::empty({threads, size + mixed_size}, options);
  T* memory = scratch.mutable_data_ptr<T>();
  if (cut.by_rows) {
    in_pieces(shape.rows, cut.rows_per_tile, [&](int64_t row, int64_t rows, int thread) {
      T* mixed_gradient = memory + thread * (size + mixed_size);
      T* working = mixed_gradient + mixed_size;
      tiles.rest_backward(out_gradient, state, row * shape.length, rows * shape.length, dx, mixed_gradient,
                          sum[thread], working);
      tiles.attention_backward(x, state, row, rows, mixed_gradient, dx, sum[thread], working);
    });
  } else {
    at::Tensor all = at::empty({shape.tokens(), shape.dim}, options);
    T* mixed_gradient = all.mutable_data_ptr<T>();
    in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
      tiles.rest_backward(out_gradient, state, first, tokens, dx, mixed_gradient + first * shape.dim,
                          sum[thread], memory + thread * (size + mixed_size));
    });
    in_pieces(shape.rows, 1, [&](int64_t row, int64_t rows, int thread) {
      tiles.attention_backward(x, state, row, rows, mixed_gradient + row * shape.length * shape.dim, dx,
                               sum[thread], memory + thread * (size + mixed_size));
    });
  }
  return threads == 1 ? sums[0] : sums.sum(0);
}

BlockShape shape_of(const at::Tensor& x, int64_t heads, const at::Tensor& fc1_weight) {
  return {x.size(0), x.size(1), x.size(2), heads, fc1_weight.size(0)};
}

template <class F>
void for_type(at::ScalarType type, F&& f) {
  if (type == at::kDouble) {
    f(double{});
  } else {
    check(type == at::kFloat, "fused_block expects float or double, found another type");
    f(float{});
  }
}

BlockOutput run_forward(const at::Tensor& x, const variable_list& parameters, const Bias& bias,
                        const BlockShape& shape, double eps, bool keep, StateTensors& state) {
  state = make_state(shape, keep, x.options());
  BlockOutput result{at::empty_like(x), keep ? at::Tensor{} : at::empty_like(x)};
  for_type(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const BlockTiles<T> tiles(shape, weight_pointers<T>(parameters), static_cast<T>(eps), bias.view<T>());
    forward_tiles<T>(tiles, shape, x.const_data_ptr<T>(), state.pointers<T>(), keep,
                     keep ? nullptr : result.ffn.mutable_data_ptr<T>(), result.output.mutable_data_ptr<T>(),
                     x.options());
  });
  return result;
}

struct FusedBlock : Function<FusedBlock> {
  // The framework finds what needs a gradient only among plain arguments: hence the pack.
  template <class... Tensors>
  static at::Tensor forward(AutogradContext* context, const Bias& bias, int64_t heads, double eps,
                            const at::Tensor& x, const Tensors&... weights) {
    const variable_list parameters{weights...};
    StateTensors state;
    const at::Tensor out = run_forward(x, parameters, bias, shape_of(x, heads, parameters[fc1_weight_index]),
                                       eps, /*keep=*/true, state)
                               .output;
    variable_list saved{x,           bias.values,  state.qkv,     state.mixed, state.normal1,
                        state.rstd1, state.hidden, state.normal2, state.rstd2};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["heads"] = heads;
    context->saved_data["eps"] = eps;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const StateTensors state{saved[2], saved[3], saved[4], saved[5], saved[6], saved[7], saved[8]};
    const variable_list parameters(saved.begin() + 9, saved.end());
    const BlockShape shape = shape_of(x, context->saved_data["heads"].toInt(), parameters[fc1_weight_index]);
    const Bias bias(saved[1], x.scalar_type());
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor dx = at::empty_like(x), sums;
    for_type(x.scalar_type(), [&](auto zero) {
      using T = decltype(zero);
      const BlockTiles<T> tiles(shape, weight_pointers<T>(parameters),
                                static_cast<T>(context->saved_data["eps"].toDouble()), bias.view<T>());
      sums = backward_tiles<T>(tiles, shape, parameters, x.const_data_ptr<T>(), state.pointers<T>(),
                               gradient.const_data_ptr<T>(), dx.mutable_data_ptr<T>(), x.options());
    });

    variable_list out{{}, {}, {}, dx};
    int64_t offset = 0;
    for (const at::Tensor& p : parameters) {
      out.push_back(sums.narrow(0, offset, p.numel()).view(p.sizes()));
      offset += p.numel();
    }
    return out;
  }
};

template <size_t... I>
at::Tensor apply(const at::Tensor& x, const variable_list& parameters, const Bias& bias,
                 const ModelConfig& config, std::index_sequence<I...>) {
  return FusedBlock::apply(bias, config.heads, config.norm_eps, x, parameters[I]...);
}

}  // namespace

bool can_fuse(const ModelConfig& config, const at::Tensor& x, const at::Tensor& bias, double drop_path_rate,
              const RowKeys& keys) {
  const bool drops =
      !keys.empty() && (drop_path_rate > 0 || config.encoder_dropout > 0 || config.attention_dropout > 0 ||
                        config.activation_dropout > 0 || config.post_mlp_dropout > 0);
  const bool learned_bias = bias.defined() && bias.requires_grad();
  const bool wide = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  return !config.layer_norm_first && !drops && !learned_bias && wide && x.device().is_cpu();
}

BlockOutput fused_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const at::Tensor& bias) {
  const variable_list parameters = parameters_of(weights);
  const at::Tensor in = x.contiguous();
  const Bias values(bias, in.scalar_type());
  if (at::GradMode::is_enabled()) {
    const bool affine = parameters.size() == 12;
    return {affine ? apply(in, parameters, values, config, std::make_index_sequence<12>{})
                   : apply(in, parameters, values, config, std::make_index_sequence<8>{}),
            {}};
  }
  StateTensors state;
  return run_forward(in, parameters, values, shape_of(in, config.heads, weights.fc1_weight), config.norm_eps,
                     /*keep=*/false, state);
}

}  // namespace d2v
