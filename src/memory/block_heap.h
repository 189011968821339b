#pragma once

#include <cstddef>

namespace holdfast {

/// The allocator of chunks: everything of a big value that is not in the slab of its table. Size classes of at most 12.5 %
/// waste, any thread may free what another has allocated. Aligned to 8 bytes (16 from 16 bytes on).
void* allocate_block(size_t bytes);
/// `bytes` is what was asked for.
void free_block(void* block, size_t bytes);
/// What this thread has asked of the allocator, with this or with `new`, and not given back, bytes. Visits all blocks' pages.
size_t heap_bytes_of_this_thread();
/// What the allocator has taken from the system for all threads, bytes. Cheap. 0 under sanitizers, which do not say.
size_t heap_committed_bytes();
/// Gives what this thread's part of the heap no longer needs back to the system. Visits the heads of all its pages.
void trim_heap_of_this_thread();
/// While one of these lives, pages that become empty go back to the system at once, on the thread that frees. Otherwise the heap
/// waits for 25 ms and for the next page of the same segment: in a segment where nothing more happens, for ever.
class HeapGivesBack {
 public:
  HeapGivesBack();
  ~HeapGivesBack();
  HeapGivesBack(HeapGivesBack const&) = delete;
  HeapGivesBack& operator=(HeapGivesBack const&) = delete;
};
/// Bytes that a request for `bytes` takes.
size_t block_heap_bytes(size_t bytes);

}  // namespace holdfast
