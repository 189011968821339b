#include "memory/block_heap.h"

#ifdef HOLDFAST_SANITIZED  // the sanitizers bring the allocator that sees every fault
#include <malloc.h>

#include <cstdlib>
#else
#include <mimalloc.h>
#endif

namespace holdfast {

void* allocate_block(size_t bytes) {
#ifdef HOLDFAST_SANITIZED
  void* block = std::malloc(bytes);
#else
  void* block = mi_malloc(bytes);
#endif
  if (!block) [[unlikely]] __builtin_trap();  // as `new` without handlers: nothing could go on
  return block;
}

#ifdef HOLDFAST_SANITIZED
size_t heap_bytes_of_this_thread() {
  struct mallinfo2 const info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
#else
size_t heap_bytes_of_this_thread() {
  size_t total = 0;
  auto const add = [](mi_heap_t const*, mi_heap_area_t const* area, void*, size_t, void* sum) {
    *static_cast<size_t*>(sum) += area->used * area->block_size;
    return true;
  };
  mi_heap_visit_blocks(mi_heap_get_default(), false, add, &total);
  return total;
}
#endif

#ifdef HOLDFAST_SANITIZED
void free_block(void* block, size_t) { std::free(block); }
size_t block_heap_bytes(size_t bytes) { return (bytes + 15) & ~size_t{15}; }
#else
void free_block(void* block, size_t bytes) { mi_free_size(block, bytes); }
size_t block_heap_bytes(size_t bytes) { return mi_good_size(bytes); }
#endif

}  // namespace holdfast
