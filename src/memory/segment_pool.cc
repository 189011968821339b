#include "memory/segment_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "memory/huge_region.h"

namespace holdfast {

/// What is known of 16 KiB of a region. Free or partly used spans are in a list.
struct SegmentPool::Span {
  Span* next;
  Span* previous;
  uint8_t lines;   // of a block; 0 = no block
  uint8_t target_of;  // the last pass that chose to fill this span
  bool cold;       // free, and its memory was given back, or never touched
  uint16_t used;   // blocks handed out
  uint16_t free;   // first freed block, its line + 1; 0 = none
  uint16_t fresh;  // line of the first block never used

  /// Worth to be left: an eighth is free, or more.
  bool is_sparse() const { return size_t{used} * lines * 8 <= kSpanLines * 7; }
  bool has_room() const { return free != 0 || size_t{fresh} + lines <= kSpanLines; }
};

struct SegmentPool::Region {
  static constexpr size_t kSpans = kRegionBytes / kSpanBytes;
  size_t used_spans;
  bool small_pages;    // the kernel was told not to make huge pages of it
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
  for (size_t i = Region::kSpans - 1; i > 0; i--) {
    region->spans[i].cold = true;
    link(cold_spans_, &region->spans[i]);
  }
}

SegmentPool::Span* SegmentPool::take_span(size_t lines, Region*& whole) {
  Span* span = free_spans_ ? free_spans_ : cold_spans_;
  unlink(span->cold ? cold_spans_ : free_spans_, span);
  if (!span->cold) kept_spans_--;
  span->cold = false;
  span->target_of = pass_;
  Region* const region = region_of(span);
  if (region->used_spans++ == 0) empty_regions_--;
  if (region->used_spans == Region::kSpans - 1 && std::exchange(region->small_pages, false)) whole = region;
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
  kept_spans_++;
  if (--region->used_spans == 0) empty_regions_++;
}

void* SegmentPool::allocate(size_t bytes) {
  DCHECK(bytes % kLineBytes == 0 && bytes > 0 && bytes <= kBlockBytesMax);
  size_t const lines = bytes / kLineBytes;
  Region* fresh_region = nullptr;
  Region* whole = nullptr;
  void* block = nullptr;
  bool first = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (fresh_region) add_region(fresh_region);
      Span* span = partial_[lines];
      if (!span && (free_spans_ || cold_spans_)) span = take_span(lines, whole);
      if (span) block = allocate_from(span);
      first = regions_.empty();
    }
    if (whole) madvise(whole, kRegionBytes, MADV_HUGEPAGE);
    if (block) return block;
    // The system call is made outside of the mutex; two threads may both map, and then both regions are used.
    fresh_region = new (map_region(!first)) Region{.small_pages = first};
  }
}

void* SegmentPool::allocate_from(Span* span) {
  char* memory = region_of(span)->memory(span);
  char* block;
  if (span->free) {
    block = memory + (span->free - size_t{1}) * kLineBytes;
    span->free = *reinterpret_cast<uint16_t*>(block);
  } else {
    block = memory + span->fresh * kLineBytes;
    span->fresh = static_cast<uint16_t>(span->fresh + span->lines);
  }
  span->used++;
  block_lines_ += span->lines;
  if (!span->has_room()) unlink(partial_[span->lines], span);
  return block;
}

void* SegmentPool::denser_place(void const* block, size_t bytes, bool always) {
  if (always) return allocate(bytes);
  MutexLock lock(mutex_);
  Span* const span = region_of(block)->span_of(block);
  DCHECK(span->lines * kLineBytes == bytes && span->used > 0);
  if (!span->is_sparse() || span->target_of == pass_ || !span->has_room()) return nullptr;
  // Not empty: this span is in it. The first is filled before another is chosen.
  Span*& partial = partial_[span->lines];
  if (partial->target_of != pass_ && partial->used < span->used) {
    unlink(partial, span);
    link(partial, span);
  }
  partial->target_of = pass_;
  return partial == span ? nullptr : allocate_from(partial);
}

void SegmentPool::begin_pass() {
  MutexLock lock(mutex_);
  pass_++;
}

void SegmentPool::trim() {
  while (true) {
    Span* span;
    Region* region;
    bool first;
    {
      MutexLock lock(mutex_);
      span = free_spans_;
      if (!span) return;
      unlink(free_spans_, span);
      kept_spans_--;
      region = region_of(span);
      if (region->used_spans++ == 0) empty_regions_--;  // so the region stays
      first = !std::exchange(region->small_pages, true);
    }
    // The kernel would fill the holes again that are made in huge pages.
    if (first) madvise(region, kRegionBytes, MADV_NOHUGEPAGE);
    madvise(region->memory(span), kSpanBytes, MADV_DONTNEED);
    MutexLock lock(mutex_);
    span->cold = true;
    link(cold_spans_, span);
    if (--region->used_spans == 0) empty_regions_++;
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
    block_lines_ -= span->lines;
    Span*& partial = partial_[bytes / kLineBytes];
    if (span->used != 0) {
      if (!had_room) link(partial, span);
      return;
    }
    if (had_room) unlink(partial, span);
    give_span(region, span);
    if (region->used_spans == 0 && empty_regions_ > 1) {
      for (size_t i = 1; i < Region::kSpans; i++) {
        Span* const free = &region->spans[i];
        unlink(free->cold ? cold_spans_ : free_spans_, free);
        if (!free->cold) kept_spans_--;
      }
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

size_t SegmentPool::block_bytes() const {
  MutexLock lock(mutex_);
  return block_lines_ * kLineBytes;
}

size_t SegmentPool::kept_bytes() const {
  MutexLock lock(mutex_);
  return kept_spans_ * kSpanBytes;
}

size_t SegmentPool::mapped_bytes() const {
  MutexLock lock(mutex_);
  return regions_.size() * kRegionBytes;
}

}  // namespace holdfast
