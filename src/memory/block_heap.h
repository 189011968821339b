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
/// Bytes that a request for `bytes` takes.
size_t block_heap_bytes(size_t bytes);

}  // namespace holdfast
