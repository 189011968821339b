#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "memory/block_heap.h"

namespace holdfast {

/// Moves the blocks of one value to where the block heap gives room now (defragmentation), in steps of bounded length.
///
/// The heap does not say how full the page of a block is, so every block is moved once in a pass. It gives out room from one
/// page until that is full, so a pass fills few pages and leaves all others empty.
///
/// Only blocks that the value alone reaches are moved, as it would change them in place; what a snapshot or a reply still
/// reads has further references and stays. Who calls holds the lock of the value's partition.
class BlockMover {
 public:
  /// Until `elements` have been passed or `deadline_us` (monotonic) has come, whichever is first; at least one block.
  BlockMover(int64_t deadline_us, uint64_t elements) : deadline_us_(deadline_us), elements_left_(elements) {}

  /// The same bytes in another block; `block` is freed. The caller changes the pointer to it.
  template <class Block>
  Block* move(Block* block, size_t bytes) {
    void* const moved = allocate_block(bytes);
    std::memcpy(moved, static_cast<void const*>(block), bytes);
    free_block(block, bytes);
    hits++;
    return static_cast<Block*>(moved);
  }
  /// Something shared is left where it is.
  void pass_over() { misses++; }
  /// After each leaf with its number of elements: true when the step should end.
  bool spent(uint64_t elements);

  // Where in the value the next step goes on: what these mean is the value's business; 0, 0 is the beginning.
  uint64_t part = 0;
  uint64_t position = 0;
  bool complete = false;  ///< the value has been walked to its end

  uint64_t hits = 0;    ///< blocks moved
  uint64_t misses = 0;  ///< blocks left

 private:
  int64_t deadline_us_;
  uint64_t elements_left_;
};

}  // namespace holdfast
