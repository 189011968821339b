#include "memory/slab.h"

#include <malloc.h>

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
  uint16_t size_class;  // block bytes / 8
  uint16_t used;        // live blocks
  uint16_t free;        // first free block, offset / 8; 0 = none
  uint16_t fresh;       // first block never used, offset / 8

  bool has_room() const { return free != 0 || size_t{fresh} * 8 + size_t{size_class} * 8 <= kPageBytes; }
};

Slab::~Slab() {
  while (all_) {
    Page* next = all_->next;
    pool_.release(all_);
    all_ = next;
  }
}

Slab::Page* Slab::add_page(size_t size_class) {
  auto* page = new (pool_.allocate()) Page{};
  page->size_class = static_cast<uint16_t>(size_class);
  page->fresh = sizeof(Page) / 8;
  page->next = all_;
  if (all_) all_->previous = page;
  all_ = page;
  page_count_++;
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
    large_blocks_--;
    std::free(block);
    return;
  }
  auto* page = reinterpret_cast<Page*>(reinterpret_cast<uintptr_t>(block) & ~(kPageBytes - 1));
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
    pool_.release(page);
  } else if (!had_room) {
    link_partial(page);
  }
}

}  // namespace holdfast
