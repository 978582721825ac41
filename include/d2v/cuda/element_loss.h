// Loss of one element and its slope (section 4 of the method): squared error for beta = 0, else smooth L1.
#pragma once

#include <cmath>

#include "d2v/base/host_device.h"

namespace d2v {

template <class Real>
D2V_HOST_DEVICE Real loss_of(Real d, Real beta) {
  if (beta == 0) return d * d;
  d = std::fabs(d);
  return d < beta ? d * d / (2 * beta) : d - beta / 2;
}

template <class Real>
D2V_HOST_DEVICE Real loss_slope(Real d, Real beta) {
  if (beta == 0) return 2 * d;
  return std::fabs(d) < beta ? d / beta : (d > 0 ? Real(1) : Real(-1));
}

}  // namespace d2v
