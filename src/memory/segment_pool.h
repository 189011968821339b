#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/mutex.h"

namespace holdfast {

/// Memory of the segments of hash tables: blocks of whole cache lines, aligned to them, on huge pages.
///
/// Why our own: a bucket is read at a random address, and on small pages half of the time of a prefetch was the walk of the
/// page tables (measured: 8 % of the processor time of pipelined SETs, 6 % of GETs).
///
///   region, 2 MiB:  [head: facts of each span | span | span | ... ]      span, 16 KiB: blocks of one size
///
/// Freed blocks are chained through their first bytes, a span without blocks serves any size, and a region without spans is
/// given back to the system (one is kept). 
/// Safe from any thread; its mutex is a leaf, and not held during system calls.
class SegmentPool {
 public:
  static constexpr size_t kLineBytes = 64;
  static constexpr size_t kSpanBytes = 16 * 1024;
  static constexpr size_t kBlockBytesMax = 4096;

  SegmentPool() = default;
  ~SegmentPool();
  SegmentPool(SegmentPool const&) = delete;
  SegmentPool& operator=(SegmentPool const&) = delete;

  /// `bytes` is a multiple of kLineBytes, at most kBlockBytesMax. The bytes are not zero.
  void* allocate(size_t bytes);
  /// `bytes` is what was asked for.
  void release(void* block, size_t bytes);

  /// Bytes in spans that hold blocks.
  size_t used_bytes() const;
  /// Bytes mapped.
  size_t mapped_bytes() const;

 private:
  static constexpr size_t kSpanLines = kSpanBytes / kLineBytes;
  struct Span;
  struct Region;

  Span* take_span(size_t lines) REQUIRES(mutex_);
  void give_span(Region* region, Span* span) REQUIRES(mutex_);
  void link(Span*& head, Span* span) REQUIRES(mutex_);
  void unlink(Span*& head, Span* span) REQUIRES(mutex_);
  void add_region(Region* region) REQUIRES(mutex_);
  static Region* region_of(void const* at);

  mutable Mutex mutex_;
  std::array<Span*, kBlockBytesMax / kLineBytes + 1> partial_ GUARDED_BY(mutex_){};  // spans with room, by lines of a block
  Span* free_spans_ GUARDED_BY(mutex_) = nullptr;
  std::vector<Region*> regions_ GUARDED_BY(mutex_);
  size_t used_spans_ GUARDED_BY(mutex_) = 0;
  size_t empty_regions_ GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast
