#include "d2v/pipeline/batch.h"

#include <new>

namespace d2v {
namespace {

constexpr std::align_val_t kAlignment{64};

void* allocate(size_t bytes) { return ::operator new(bytes, kAlignment); }
void release(void* memory, size_t) { ::operator delete(memory, kAlignment); }

}  // namespace

Allocator aligned_allocator() { return {allocate, release}; }

}  // namespace d2v
