#include "d2v/eval/npy.h"

#include <span>
#include <string>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/nn/aten.h"

namespace d2v {

void write_npy(const std::filesystem::path& path, const at::Tensor& values) {
  check(values.scalar_type() == at::kFloat, "{}: only float32 is written as .npy", path.string());
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(values.sizes(), ", "), values.dim() == 1 ? "," : "");
  // Magic, version and length take 10 bytes; with the header and its line end a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string prefix("\x93NUMPY\x01\x00", 8);
  prefix += static_cast<char>(header.size() & 255);
  prefix += static_cast<char>(header.size() >> 8);
  const at::Tensor flat = values.contiguous();
  AtomicFile file(path);
  file.write(prefix + header);
  file.write(std::as_bytes(std::span(flat.const_data_ptr<float>(), static_cast<size_t>(flat.numel()))));
  file.commit();
}

}  // namespace d2v
