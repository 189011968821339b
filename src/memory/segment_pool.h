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
/// The first region has small pages until it is full, so that a few keys cost no megabytes.
///
///   region, 2 MiB:  [head: facts of each span | span | span | ... ]      span, 16 KiB: blocks of one size
///
/// Freed blocks are chained through their first bytes, a span without blocks serves any size, and a region without spans is
/// given back to the system (one is kept). `trim` gives back the memory of all spans without blocks.
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
  /// Where this block would stand better, as Slab::denser_place says; null: it stands well.
  void* denser_place(void const* block, size_t bytes, bool always = false);
  /// From now on spans are chosen anew.
  void begin_pass();
  /// Gives the memory of all spans without blocks back to the system.
  void trim();

  /// Bytes in spans that hold blocks.
  size_t used_bytes() const;
  /// Bytes mapped.
  size_t mapped_bytes() const;
  /// Bytes in blocks.
  size_t block_bytes() const;
  /// Bytes of spans without blocks whose memory is kept.
  size_t kept_bytes() const;

 private:
  static constexpr size_t kSpanLines = kSpanBytes / kLineBytes;
  struct Span;
  struct Region;

  void* allocate_from(Span* span) REQUIRES(mutex_);
  /// `whole`: the region whose last span was taken, if huge pages may be made of it again.
  Span* take_span(size_t lines, Region*& whole) REQUIRES(mutex_);
  void give_span(Region* region, Span* span) REQUIRES(mutex_);
  void link(Span*& head, Span* span) REQUIRES(mutex_);
  void unlink(Span*& head, Span* span) REQUIRES(mutex_);
  void add_region(Region* region) REQUIRES(mutex_);
  static Region* region_of(void const* at);

  mutable Mutex mutex_;
  std::array<Span*, kBlockBytesMax / kLineBytes + 1> partial_ GUARDED_BY(mutex_){};  // spans with room, by lines of a block
  Span* free_spans_ GUARDED_BY(mutex_) = nullptr;
  Span* cold_spans_ GUARDED_BY(mutex_) = nullptr;  // free ones without memory
  std::vector<Region*> regions_ GUARDED_BY(mutex_);
  size_t used_spans_ GUARDED_BY(mutex_) = 0;
  size_t empty_regions_ GUARDED_BY(mutex_) = 0;
  size_t kept_spans_ GUARDED_BY(mutex_) = 0;
  size_t block_lines_ GUARDED_BY(mutex_) = 0;
  uint8_t pass_ GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast
