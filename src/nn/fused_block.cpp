#include "d2v/nn/fused_block.h"

#include <torch/csrc/autograd/custom_function.h>

#include "block_passes.h"
#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr size_t fc1_weight_index = 4, factor_index = 12;

// In the order of BlockParameters; what is absent is empty.
BlockTensors parameters_of(const BlockWeights& w, const at::Tensor& factor, const at::Tensor& x) {
  BlockTensors out{w.attention.qkv_weight,
                   w.attention.qkv_bias,
                   w.attention.proj_weight,
                   w.attention.proj_bias,
                   w.fc1_weight,
                   w.fc1_bias,
                   w.fc2_weight,
                   w.fc2_bias,
                   w.norm1.weight,
                   w.norm1.bias,
                   w.norm2.weight,
                   w.norm2.bias,
                   factor.defined() ? factor.to(x.scalar_type()).contiguous() : factor};
  for (at::Tensor& p : out)
    if (!p.defined()) p = at::empty({0}, x.options());
  return out;
}

// A term of the logits as the tiles read it: of x's type, without gaps.
struct Addend {
  at::Tensor values;

  Addend(const at::Tensor& term, at::ScalarType dtype) {
    if (term.defined()) values = term.detach().to(dtype).contiguous();
  }
  template <class T>
  LogitAddend<T> view() const {
    if (!values.defined()) return {};
    const int64_t keys = values.size(3), square = values.size(2) * keys;
    return {values.const_data_ptr<T>(), values.size(0) == 1 ? 0 : square * values.size(1),
            values.size(1) == 1 ? 0 : square, values.size(2) == 1 ? 0 : keys};
  }
};

// Everything of one call that is no differentiable tensor; kept until the backward pass.
struct BlockCall : torch::CustomClassHolder {
  int64_t heads;
  double eps;
  bool pre_norm;
  BlockDrops drops;
  Addend alibi, bias;

  BlockCall(const ModelConfig& config, const BiasTerms& terms, at::ScalarType dtype, BlockDrops dropped)
      : heads(config.heads),
        eps(config.norm_eps),
        pre_norm(config.layer_norm_first),
        drops(std::move(dropped)),
        alibi(terms.alibi, dtype),
        bias(terms.fixed, dtype) {}

  BlockShape shape(const at::Tensor& x, const BlockTensors& parameters) const {
    return {x.size(0), x.size(1), x.size(2), heads, parameters[fc1_weight_index].size(0)};
  }
  template <class T>
  BlockSettings<T> settings(const at::Tensor& x, const BlockTensors& parameters) const {
    return {shape(x, parameters),
            static_cast<T>(eps),
            pre_norm,
            alibi.view<T>(),
            bias.view<T>(),
            parameters[factor_index].numel() > 1 ? 1 : 0,
            &drops};
  }
};
using CallPointer = c10::intrusive_ptr<BlockCall>;

template <class F>
void for_type(at::ScalarType type, F&& f) {
  if (type == at::kDouble) {
    f(double{});
  } else {
    check(type == at::kFloat, "fused_block expects float or double, found another type");
    f(float{});
  }
}

BlockOutput run_forward(const BlockCall& call, const at::Tensor& x, const BlockTensors& parameters, bool keep,
                        BlockStateTensors& state) {
  state = make_block_state(call.shape(x, parameters), keep, x.options());
  BlockOutput result{at::empty_like(x), keep ? at::Tensor{} : at::empty_like(x)};
  for_type(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    run_block<T>(call.settings<T>(x, parameters), parameters, x, state, keep, result.ffn, result.output);
  });
  return result;
}

struct FusedBlock : Function<FusedBlock> {
  // The framework finds what needs a gradient only among plain arguments: hence the pack.
  template <class... Tensors>
  static at::Tensor forward(AutogradContext* context, const CallPointer& call, const at::Tensor& x,
                            const Tensors&... weights) {
    const BlockTensors parameters{weights...};
    BlockStateTensors state;
    const at::Tensor out = run_forward(*call, x, parameters, /*keep=*/true, state).output;
    variable_list saved{x,           state.qkv,    state.mixed,   state.normal1,
                        state.rstd1, state.hidden, state.normal2, state.rstd2};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["call"] = c10::IValue::make_capsule(call);
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const CallPointer call =
        c10::static_intrusive_pointer_cast<BlockCall>(context->saved_data["call"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const BlockStateTensors state{saved[1], saved[2], saved[3], saved[4], saved[5], saved[6], saved[7]};
    const BlockTensors parameters(saved.begin() + 8, saved.end());
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor dx = at::empty_like(x), sums;
    for_type(x.scalar_type(), [&](auto zero) {
      using T = decltype(zero);
      sums = run_block_backward<T>(call->settings<T>(x, parameters), parameters, x, state, gradient, dx);
    });

    variable_list out{{}, dx};
    int64_t offset = 0;
    for (const at::Tensor& p : parameters) {
      out.push_back(p.numel() > 0 ? sums.narrow(0, offset, p.numel()).view(p.sizes()) : at::Tensor{});
      offset += p.numel();
    }
    return out;
  }
};

template <size_t... I>
at::Tensor apply(const CallPointer& call, const at::Tensor& x, const BlockTensors& parameters,
                 std::index_sequence<I...>) {
  return FusedBlock::apply(call, x, parameters[I]...);
}

bool needs_gradient(const at::Tensor& t) { return t.defined() && t.requires_grad(); }

}  // namespace

bool can_fuse(const ModelConfig& config, const at::Tensor& x, const BiasTerms& bias, double drop_path_rate,
              const RowKeys& keys) {
  const bool wide = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  if (!wide || !x.device().is_cpu()) return false;
  if (!at::GradMode::is_enabled()) return !block_drops(config, drop_path_rate, keys, 0).any();
  return !needs_gradient(bias.fixed) && !needs_gradient(bias.alibi);
}

BlockOutput fused_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index) {
  const at::Tensor in = x.contiguous();
  const BlockTensors parameters = parameters_of(weights, bias.factor, in);
  const CallPointer call = c10::make_intrusive<BlockCall>(config, bias, in.scalar_type(),
                                                          block_drops(config, drop_path_rate, keys, index));
  if (at::GradMode::is_enabled())
    return {apply(call, in, parameters, std::make_index_sequence<block_parameter_count>{}), {}};
  BlockStateTensors state;
  return run_forward(*call, in, parameters, /*keep=*/false, state);
}

}  // namespace d2v
