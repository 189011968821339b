#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace holdfast {

/// Largest chunk in bytes, header included.
inline constexpr size_t kChunkBytesMax = 4096;
/// Elements over this many bytes live in a SharedBuffer of their own; the chunk holds the pointer.
inline constexpr size_t kInlineElementBytesMax = 1024;

/// First member of every chunk: a reference-counted block of a big value (see docs/values.md). A chunk with one reference
/// belongs to the handle that reaches it and may be changed in place; a chunk with more is immutable, for everyone.
struct ChunkHeader {
  std::atomic<uint32_t> refs{1};
  uint32_t capacity;  ///< bytes of the block, header included

  explicit ChunkHeader(uint32_t bytes) : capacity(bytes) {}
  void add_ref() { refs.fetch_add(1, std::memory_order_relaxed); }
  /// True when the caller dropped the last reference and must free what the chunk points to, then the chunk.
  [[nodiscard]] bool drop_ref() {
    if (refs.load(std::memory_order_acquire) == 1) return true;
    return refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool unique() const { return refs.load(std::memory_order_acquire) == 1; }
};
static_assert(sizeof(ChunkHeader) == 8);

}  // namespace holdfast
