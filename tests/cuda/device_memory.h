// Memory of a GPU for tests. Only in builds with CUDA.
#pragma once

#include <cuda_runtime_api.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace d2v::test {

inline void need(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

inline bool has_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

template <class T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& host) : size_(host.size()) {
    need(cudaMalloc(&memory_, size_ * sizeof(T)));
    need(cudaMemcpy(memory_, host.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  explicit OnDevice(size_t count) : OnDevice(std::vector<T>(count)) {}
  ~OnDevice() { cudaFree(memory_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  T* get() const { return static_cast<T*>(memory_); }
  // Waits for the kernels, and throws what they ended with.
  std::vector<T> host() const {
    std::vector<T> out(size_);
    need(cudaDeviceSynchronize());
    need(cudaMemcpy(out.data(), memory_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return out;
  }

 private:
  void* memory_ = nullptr;
  size_t size_;
};

}  // namespace d2v::test
