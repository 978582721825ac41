#include "d2v/model/upload.h"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "d2v/nn/aten.h"

namespace d2v {

Upload::Upload(at::Device device) : device_(device) {
  if (!device.is_cpu())
    copies_ =
        c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, /*isHighPriority=*/false);
}

at::Tensor Upload::tensor(const at::Tensor& host) {
  if (!copies_ || !host.defined() || !host.is_cpu()) return host;
  const c10::Stream compute = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  const at::Tensor locked = host.contiguous().pin_memory();
  at::Tensor out;
  {
    const c10::StreamGuard guard(*copies_);
    out = locked.to(device_, /*non_blocking=*/true);
  }
  c10::Event copied(device_.type());
  copied.record(*copies_);
  copied.block(compute);
  out.record_stream(
      compute);  // its memory belongs to the copy stream: not to be used again before the step is done
  return out;
}

DeviceBatch Upload::batch(const DeviceBatch& host) {
  return {tensor(host.input), tensor(host.lengths), tensor(host.visible), tensor(host.masked), host.refs};
}

}  // namespace d2v
