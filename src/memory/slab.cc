#include "memory/slab.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/check.h"

namespace holdfast {

/// Head of a page; blocks follow. Free blocks are chained through their first two bytes (offset / 8 in the page).
struct Slab::Page {
  Page* next_partial;
  Page* previous_partial;
  Page* next;
  Page* previous;
  uint8_t size_class;  // block bytes / 8
  uint8_t target_of;   // the last pass that chose to fill this page
  uint16_t used;       // live blocks
  uint16_t free;       // first free block, offset / 8; 0 = none
  uint16_t fresh;      // first block never used, offset / 8

  size_t capacity() const { return (kPageBytes - sizeof(Page)) / 8 / size_class; }
  /// Worth to be left: an eighth is free, or more.
  bool is_sparse() const { return size_t{used} * 8 <= capacity() * 7; }
  bool has_room() const { return free != 0 || size_t{fresh} * 8 + size_t{size_class} * 8 <= kPageBytes; }
};

namespace {
/// So many pages are looked at to choose the one that is filled next.
constexpr int kTargetsSeen = 8;
}  // namespace

Slab::Page* Slab::page_of(void const* block) {
  return reinterpret_cast<Page*>(reinterpret_cast<uintptr_t>(block) & ~(kPageBytes - 1));
}

Slab::~Slab() {
  while (all_) {
    Page* next = all_->next;
    pool_.release(all_);
    all_ = next;
  }
}

Slab::Page* Slab::add_page(size_t size_class) {
  auto* page = new (pool_.allocate()) Page{};
  page->size_class = static_cast<uint8_t>(size_class);
  page->target_of = pass_;
  page->fresh = sizeof(Page) / 8;
  page->next = all_;
  if (all_) all_->previous = page;
  all_ = page;
  page_count_++;
  room_bytes_ += page->capacity() * size_class * 8;
  link_partial(page);
  return page;
}

void Slab::link_partial(Page* page) {
  Page*& head = partial_[page->size_class];
  page->previous_partial = nullptr;
  page->next_partial = head;
  if (head) head->previous_partial = page;
  head = page;
}

void Slab::unlink_partial(Page* page) {
  if (page->previous_partial) {
    page->previous_partial->next_partial = page->next_partial;
  } else {
    partial_[page->size_class] = page->next_partial;
  }
  if (page->next_partial) page->next_partial->previous_partial = page->previous_partial;
}

void* Slab::allocate(size_t bytes) {
  if (bytes > kSlabBytesMax) {
    void* block = std::malloc(bytes);
    if (!block) throw std::bad_alloc();
    allocated_bytes_ += malloc_usable_size(block);
    large_bytes_ += malloc_usable_size(block);
    large_blocks_++;
    return block;
  }
  size_t size_class = class_bytes(bytes) / 8;
  Page* page = partial_[size_class];
  if (!page) page = add_page(size_class);
  char* base = reinterpret_cast<char*>(page);
  void* block;
  if (page->free) {
    block = base + size_t{page->free} * 8;
    page->free = *static_cast<uint16_t*>(block);
  } else {
    block = base + size_t{page->fresh} * 8;
    page->fresh = static_cast<uint16_t>(page->fresh + size_class);
  }
  page->used++;
  allocated_bytes_ += size_class * 8;
  if (!page->has_room()) unlink_partial(page);
  return block;
}

void Slab::release(void* block, size_t bytes) {
  if (bytes > kSlabBytesMax) {
    allocated_bytes_ -= malloc_usable_size(block);
    large_bytes_ -= malloc_usable_size(block);
    large_blocks_--;
    std::free(block);
    return;
  }
  Page* page = page_of(block);
  DCHECK(page->size_class == class_bytes(bytes) / 8);
  DCHECK(page->used > 0);
  allocated_bytes_ -= size_t{page->size_class} * 8;
  bool had_room = page->has_room();
  *static_cast<uint16_t*>(block) = page->free;
  page->free = static_cast<uint16_t>((static_cast<char*>(block) - reinterpret_cast<char*>(page)) / 8);
  page->used--;
  if (page->used == 0) {
    if (had_room) unlink_partial(page);
    if (page->previous) page->previous->next = page->next;
    else all_ = page->next;
    if (page->next) page->next->previous = page->previous;
    page_count_--;
    room_bytes_ -= page->capacity() * page->size_class * 8;
    pool_.release(page);
  } else if (!had_room) {
    link_partial(page);
  }
}

/// The page that allocations of this class come from: the fullest of the first few.
Slab::Page* Slab::choose_target(size_t size_class) {
  Page* best = partial_[size_class];
  if (best->target_of == pass_) return best;
  Page* page = best;
  for (int seen = 1; seen < kTargetsSeen && page->next_partial; seen++) {
    page = page->next_partial;
    if (page->used > best->used) best = page;
  }
  unlink_partial(best);
  link_partial(best);
  best->target_of = pass_;
  return best;
}

void* Slab::denser_place(void const* block, size_t bytes, bool always) {
  DCHECK(bytes <= kSlabBytesMax);
  if (always) return allocate(bytes);
  Page* page = page_of(block);
  // A page with room is in the list of its class, so the list is not empty.
  if (!page->is_sparse() || page->target_of == pass_ || choose_target(page->size_class) == page) return nullptr;
  return allocate(bytes);
}

size_t Slab::sparse_bytes() const {
  size_t const free = room_bytes_ - (allocated_bytes_ - large_bytes_);
  if (free < kPageBytes) return 0;
  size_t unavoidable = 0;
  for (Page const* partial : partial_) unavoidable += partial ? kPageBytes : 0;
  return free - std::min(free, unavoidable);
}

}  // namespace holdfast
