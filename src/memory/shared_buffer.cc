#include "memory/shared_buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace holdfast {

SharedBufferRef SharedBuffer::allocate(size_t capacity) {
  void* block = std::malloc(sizeof(SharedBuffer) + capacity);
  if (!block) throw std::bad_alloc();
  return SharedBufferRef::adopt(new (block) SharedBuffer(capacity));
}

SharedBufferRef SharedBuffer::copy_of(std::string_view bytes, size_t capacity) {
  SharedBufferRef ref = allocate(capacity < bytes.size() ? bytes.size() : capacity);
  std::memcpy(ref->data(), bytes.data(), bytes.size());
  ref->set_size(bytes.size());
  return ref;
}

void SharedBuffer::release() {
  uint32_t before = refs_.fetch_sub(1, std::memory_order_acq_rel);
  DCHECK(before > 0);
  if (before == 1) {
    this->~SharedBuffer();
    std::free(this);
  }
}

}  // namespace holdfast
