#include "memory/segment_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "base/check.h"
#include "memory/huge_region.h"

namespace holdfast {

/// What is known of 16 KiB of a region. Free or partly used spans are in a list.
struct SegmentPool::Span {
  Span* next;
  Span* previous;
  uint8_t lines;   // of a block; 0 = no block
  uint16_t used;   // blocks handed out
  uint16_t free;   // first freed block, its line + 1; 0 = none
  uint16_t fresh;  // line of the first block never used

  bool has_room() const { return free != 0 || size_t{fresh} + lines <= kSpanLines; }
};

struct SegmentPool::Region {
  static constexpr size_t kSpans = kRegionBytes / kSpanBytes;
  size_t used_spans;
  Span spans[kSpans];  // the first is this head

  char* memory(Span const* span) { return reinterpret_cast<char*>(this) + static_cast<size_t>(span - spans) * kSpanBytes; }
  Span* span_of(void const* block) {
    return &spans[static_cast<size_t>(static_cast<char const*>(block) - reinterpret_cast<char*>(this)) / kSpanBytes];
  }
};

SegmentPool::~SegmentPool() {
  static_assert(sizeof(Region) <= kSpanBytes);
  for (Region* region : regions_) munmap(region, kRegionBytes);
}

SegmentPool::Region* SegmentPool::region_of(void const* at) {
  return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(at) & ~(kRegionBytes - 1));
}

void SegmentPool::link(Span*& head, Span* span) {
  span->previous = nullptr;
  span->next = head;
  if (head) head->previous = span;
  head = span;
}

void SegmentPool::unlink(Span*& head, Span* span) {
  (span->previous ? span->previous->next : head) = span->next;
  if (span->next) span->next->previous = span->previous;
}

void SegmentPool::add_region(Region* region) {
  regions_.push_back(region);
  empty_regions_++;
  for (size_t i = Region::kSpans - 1; i > 0; i--) link(free_spans_, &region->spans[i]);
}

SegmentPool::Span* SegmentPool::take_span(size_t lines) {
  Span* span = free_spans_;
  unlink(free_spans_, span);
  if (region_of(span)->used_spans++ == 0) empty_regions_--;
  used_spans_++;
  span->lines = static_cast<uint8_t>(lines);
  span->used = span->free = span->fresh = 0;
  link(partial_[lines], span);
  return span;
}

void SegmentPool::give_span(Region* region, Span* span) {
  span->lines = 0;
  used_spans_--;
  link(free_spans_, span);
  if (--region->used_spans == 0) empty_regions_++;
}

void* SegmentPool::allocate(size_t bytes) {
  DCHECK(bytes % kLineBytes == 0 && bytes > 0 && bytes <= kBlockBytesMax);
  size_t const lines = bytes / kLineBytes;
  Region* fresh_region = nullptr;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (fresh_region) add_region(fresh_region);
      Span* span = partial_[lines];
      if (!span && free_spans_) span = take_span(lines);
      if (span) {
        char* memory = region_of(span)->memory(span);
        char* block;
        if (span->free) {
          block = memory + (span->free - size_t{1}) * kLineBytes;
          span->free = *reinterpret_cast<uint16_t*>(block);
        } else {
          block = memory + span->fresh * kLineBytes;
          span->fresh = static_cast<uint16_t>(span->fresh + lines);
        }
        span->used++;
        if (!span->has_room()) unlink(partial_[lines], span);
        return block;
      }
    }
    // The system call is made outside of the mutex; two threads may both map, and then both regions are used.
    fresh_region = new (map_huge_region()) Region{};
  }
}

void SegmentPool::release(void* block, size_t bytes) {
  Region* const region = region_of(block);
  Region* unused = nullptr;
  {
    MutexLock lock(mutex_);
    Span* span = region->span_of(block);
    DCHECK(span->lines * kLineBytes == bytes && span->used > 0);
    bool const had_room = span->has_room();
    *static_cast<uint16_t*>(block) = span->free;
    span->free = static_cast<uint16_t>((static_cast<char*>(block) - region->memory(span)) / static_cast<ptrdiff_t>(kLineBytes) + 1);
    span->used--;
    Span*& partial = partial_[bytes / kLineBytes];
    if (span->used != 0) {
      if (!had_room) link(partial, span);
      return;
    }
    if (had_room) unlink(partial, span);
    give_span(region, span);
    if (region->used_spans == 0 && empty_regions_ > 1) {
      for (size_t i = 1; i < Region::kSpans; i++) unlink(free_spans_, &region->spans[i]);
      std::erase(regions_, region);
      empty_regions_--;
      unused = region;
    }
  }
  if (unused) munmap(unused, kRegionBytes);
}

size_t SegmentPool::used_bytes() const {
  MutexLock lock(mutex_);
  return used_spans_ * kSpanBytes;
}

size_t SegmentPool::mapped_bytes() const {
  MutexLock lock(mutex_);
  return regions_.size() * kRegionBytes;
}

}  // namespace holdfast
