#include "block_passes.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "block_panels.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

template <class P>
BlockParameters<P> by_name(const std::vector<P>& p) {
  return {p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12]};
}

template <class T>
BlockParameters<const T*> weight_pointers(const BlockTensors& parameters) {
  std::vector<const T*> out;
  for (const at::Tensor& p : parameters) out.push_back(p.numel() > 0 ? p.const_data_ptr<T>() : nullptr);
  return by_name(out);
}

// The pieces of `flat`, laid out one parameter after the other.
template <class T>
BlockParameters<T*> gradient_pointers(const BlockTensors& parameters, T* flat) {
  std::vector<T*> out;
  for (const at::Tensor& p : parameters) {
    out.push_back(p.numel() > 0 ? flat : nullptr);
    flat += p.numel();
  }
  return by_name(out);
}

template <class T>
BlockState<T> state_pointers(const BlockStateTensors& s) {
  const auto p = [](const at::Tensor& t) { return t.defined() ? t.mutable_data_ptr<T>() : nullptr; };
  return {p(s.qkv), p(s.mixed), p(s.normal1), p(s.rstd1), p(s.hidden), p(s.normal2), p(s.rstd2)};
}

// How the work is cut: whole rows go through everything while they are in the cache. Where there are fewer rows than
// threads, the steps run one after the other, each over all threads.
struct Cut {
  int64_t tile_tokens, rows_per_tile;
  bool by_rows;
};

Cut cut_of(const BlockShape& shape) {
  const int64_t tokens = shape.hidden <= 1536 ? 128 : 256;  // MLP tiles of about 400 KB to 3 MB
  const int64_t rows = std::max<int64_t>(1, tokens / shape.length);
  const bool by_rows = shape.rows >= 2 * at::get_num_threads();
  return {by_rows ? std::max(tokens, rows * shape.length) : tokens, rows, by_rows};
}

// f(first, count, thread) over [0, n) in pieces of at most `piece`; each thread has one contiguous range.
template <class F>
void in_pieces(int64_t n, int64_t piece, F&& f) {
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += piece) f(i, std::min(piece, end - i), at::get_thread_num());
  });
}

// Working memory of every thread.
template <class T>
class ThreadMemory {
 public:
  ThreadMemory(int64_t size, const at::TensorOptions& options)
      : size_(size),
        all_(at::empty({at::get_num_threads(), size}, options)),
        data_(all_.mutable_data_ptr<T>()) {}
  T* of(int thread) const { return data_ + thread * size_; }

 private:
  int64_t size_;
  at::Tensor all_;
  T* data_;
};

}  // namespace

BlockStateTensors make_block_state(const BlockShape& shape, bool keep, const at::TensorOptions& options) {
  const auto per_token = [&](int64_t width) { return at::empty({shape.tokens(), width}, options); };
  BlockStateTensors out;
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

template <class T>
void run_block(const BlockSettings<T>& settings, const BlockTensors& parameters, const at::Tensor& x_tensor,
               const BlockStateTensors& state_tensors, bool keep, const at::Tensor& ffn_tensor,
               const at::Tensor& out_tensor) {
  const BlockShape& shape = settings.shape;
  const BlockParameters<const T*> weights = weight_pointers<T>(parameters);
  const BlockPanels<T> panels(shape, weights, BlockPass::forward, x_tensor.options());
  const BlockTiles<T> tiles(settings, weights, panels.linears());
  const BlockState<T> state = state_pointers<T>(state_tensors);
  const T* x = x_tensor.const_data_ptr<T>();
  T* out = out_tensor.mutable_data_ptr<T>();
  T* ffn = ffn_tensor.defined() ? ffn_tensor.mutable_data_ptr<T>() : nullptr;
  const Cut cut = cut_of(shape);
  const ThreadMemory<T> memory(tiles.scratch_size(cut.tile_tokens), x_tensor.options());
  if (cut.by_rows) {
    in_pieces(shape.rows, cut.rows_per_tile, [&](int64_t row, int64_t rows, int thread) {
      const int64_t first = row * shape.length, tokens = rows * shape.length;
      tiles.project(x, state, keep, first, tokens, memory.of(thread));
      tiles.attend_pairs(state, row * shape.heads, rows * shape.heads, memory.of(thread));
      tiles.finish(x, state, keep, first, tokens, ffn, out, memory.of(thread));
    });
    return;
  }
  in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
    tiles.project(x, state, keep, first, tokens, memory.of(thread));
  });
  in_pieces(shape.rows * shape.heads, 1, [&](int64_t pair, int64_t pairs, int thread) {
    tiles.attend_pairs(state, pair, pairs, memory.of(thread));
  });
  in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
    tiles.finish(x, state, keep, first, tokens, ffn, out, memory.of(thread));
  });
}

template <class T>
at::Tensor run_block_backward(const BlockSettings<T>& settings, const BlockTensors& parameters,
                              const at::Tensor& x_tensor, const BlockStateTensors& state_tensors,
                              const at::Tensor& out_gradient_tensor, const at::Tensor& dx_tensor) {
  const BlockShape& shape = settings.shape;
  const BlockParameters<const T*> weights = weight_pointers<T>(parameters);
  const BlockPanels<T> panels(shape, weights, BlockPass::backward, x_tensor.options());
  const BlockTiles<T> tiles(settings, weights, panels.linears());
  const BlockState<T> state = state_pointers<T>(state_tensors);
  const T* x = x_tensor.const_data_ptr<T>();
  const T* out_gradient = out_gradient_tensor.const_data_ptr<T>();
  T* dx = dx_tensor.mutable_data_ptr<T>();
  const at::TensorOptions options = x_tensor.options();
  const Cut cut = cut_of(shape);
  const int threads = at::get_num_threads();
  int64_t count = 0;
  for (const at::Tensor& p : parameters) count += p.numel();
  // Each thread adds up its own tiles in order, then the threads' sums are added in order: the same result every time.
  at::Tensor sums = at::zeros({threads, count}, options);
  std::vector<BlockParameters<T*>> sum;
  for (int t = 0; t < threads; ++t)
    sum.push_back(gradient_pointers(parameters, sums.mutable_data_ptr<T>() + t * count));

  const int64_t dim = shape.dim;
  const ThreadMemory<T> memory(tiles.scratch_size(cut.tile_tokens), options);
  if (cut.by_rows) {
    const ThreadMemory<T> gradients(cut.tile_tokens * 4 * dim, options);
    in_pieces(shape.rows, cut.rows_per_tile, [&](int64_t row, int64_t rows, int thread) {
      const int64_t first = row * shape.length, tokens = rows * shape.length;
      T* mixed = gradients.of(thread);
      T* qkv = mixed + tokens * dim;
      T* scratch = memory.of(thread);
      tiles.finish_backward(out_gradient, state, first, tokens, dx, mixed, sum[thread], scratch);
      tiles.attend_pairs_backward(state, row, row * shape.heads, rows * shape.heads, mixed, qkv, sum[thread],
                                  scratch);
      tiles.project_backward(x, state, first, tokens, qkv, dx, sum[thread], scratch);
    });
  } else {
    const at::Tensor gradients = at::empty({shape.tokens() * 4 * dim}, options);
    T* mixed = gradients.mutable_data_ptr<T>();
    T* qkv = mixed + shape.tokens() * dim;
    in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
      tiles.finish_backward(out_gradient, state, first, tokens, dx, mixed + first * dim, sum[thread],
                            memory.of(thread));
    });
    in_pieces(shape.rows * shape.heads, 1, [&](int64_t pair, int64_t pairs, int thread) {
      tiles.attend_pairs_backward(state, 0, pair, pairs, mixed, qkv, sum[thread], memory.of(thread));
    });
    in_pieces(shape.tokens(), cut.tile_tokens, [&](int64_t first, int64_t tokens, int thread) {
      tiles.project_backward(x, state, first, tokens, qkv + first * 3 * dim, dx, sum[thread],
                             memory.of(thread));
    });
  }
  return threads == 1 ? sums[0] : sums.sum(0);
}

template void run_block(const BlockSettings<float>&, const BlockTensors&, const at::Tensor&,
                        const BlockStateTensors&, bool, const at::Tensor&, const at::Tensor&);
template void run_block(const BlockSettings<double>&, const BlockTensors&, const at::Tensor&,
                        const BlockStateTensors&, bool, const at::Tensor&, const at::Tensor&);
template at::Tensor run_block_backward(const BlockSettings<float>&, const BlockTensors&, const at::Tensor&,
                                       const BlockStateTensors&, const at::Tensor&, const at::Tensor&);
template at::Tensor run_block_backward(const BlockSettings<double>&, const BlockTensors&, const at::Tensor&,
                                       const BlockStateTensors&, const at::Tensor&, const at::Tensor&);

}  // namespace d2v
