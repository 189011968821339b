#include "memory/block_heap.h"

#ifdef HOLDFAST_SANITIZED  // the sanitizers bring the allocator that sees every fault
#include <malloc.h>

#include <cstdlib>
#else
#include <mimalloc.h>

#include <atomic>
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
HeapGivesBack::HeapGivesBack() = default;
HeapGivesBack::~HeapGivesBack() = default;
size_t heap_committed_bytes() { return 0; }
void trim_heap_of_this_thread() { malloc_trim(0); }
size_t heap_bytes_of_this_thread() {
  struct mallinfo2 const info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
#else
size_t heap_committed_bytes() {
  size_t unused = 0;
  size_t committed = 0;
  mi_process_info(&unused, &unused, &unused, &unused, &unused, &committed, &unused, &unused);
  return committed;
}
namespace {
constexpr long kUsualDelayMs = 25;
/// How many want it at once: the option belongs to the heap of the process.
std::atomic<int> give_back_holds{0};
}  // namespace

HeapGivesBack::HeapGivesBack() {
  if (give_back_holds.fetch_add(1) == 0) mi_option_set(mi_option_decommit_delay, 0);
}
HeapGivesBack::~HeapGivesBack() {
  if (give_back_holds.fetch_sub(1) == 1) mi_option_set(mi_option_decommit_delay, kUsualDelayMs);
}

void trim_heap_of_this_thread() {
  HeapGivesBack const at_once;
  mi_collect(true);
}
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
