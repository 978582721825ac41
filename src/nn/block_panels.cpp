#include "block_panels.h"

#include <array>

#include <ATen/Parallel.h>

#include "d2v/nn/aten.h"

namespace d2v {

namespace {

// Measured up to 768 (benchmarks/nn_product_bench.cpp); beyond the widest, panels of one layer alone fill a large cache.
constexpr int64_t widest_packed = 1024, fewest_tokens_packed = 512;

// A layer's panels in the common memory.
template <class T>
struct PackedLayer {
  LinearWeight<T>* weight;
  int64_t in, out;
  int64_t offset = 0;
};

template <class T>
void pack(const PackedLayer<T>& layer, BlockPass pass, T* memory) {
  const ProductKernels<T>& products = product_kernels<T>();
  LinearWeight<T>& weight = *layer.weight;
  T* panels = memory + layer.offset;
  if (pass == BlockPass::forward) {
    products.pack(transposed(weight.plain, layer.in), layer.in, layer.out, panels);
    weight.panels = panels;
  } else {
    products.pack({weight.plain, layer.in}, layer.out, layer.in, panels);
    weight.gradient_panels = panels;
  }
}

}  // namespace

template <class T>
BlockPanels<T>::BlockPanels(const BlockShape& shape, const BlockParameters<const T*>& weights, BlockPass pass,
                            const at::TensorOptions& options)
    : linears_{{weights.qkv_weight}, {weights.proj_weight}, {weights.fc1_weight}, {weights.fc2_weight}} {
  if (shape.dim > widest_packed || shape.tokens() < fewest_tokens_packed) return;
  std::array<PackedLayer<T>, 4> layers{{{&linears_.qkv, shape.dim, 3 * shape.dim},
                                        {&linears_.proj, shape.dim, shape.dim},
                                        {&linears_.fc1, shape.dim, shape.hidden},
                                        {&linears_.fc2, shape.hidden, shape.dim}}};
  int64_t size = 0;
  for (PackedLayer<T>& layer : layers) {
    layer.offset = size;
    size += pass == BlockPass::forward ? product_kernels<T>().panel_size(layer.in, layer.out)
                                       : product_kernels<T>().panel_size(layer.out, layer.in);
  }
  memory_ = at::empty({size}, options);
  T* memory = memory_.template mutable_data_ptr<T>();
  at::parallel_for(0, static_cast<int64_t>(layers.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack(layers[static_cast<size_t>(i)], pass, memory);
  });
}

template class BlockPanels<float>;
template class BlockPanels<double>;

}  // namespace d2v
