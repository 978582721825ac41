#include "d2v/model/part_hooks.h"

#include "d2v/nn/aten.h"

namespace d2v {

void made_by(PartClock* clock, StepPart part, const at::Tensor& x) {
  if (clock == nullptr || !x.defined() || !x.requires_grad()) return;
  x.register_hook([clock, part](const at::Tensor&) { clock->enter(part, StepPass::backward); });
}

}  // namespace d2v
