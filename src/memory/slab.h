#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/page_pool.h"

namespace holdfast {

/// Blocks up to this many bytes come from slab pages; bigger ones from malloc.
inline constexpr size_t kSlabBytesMax = 512;

/// Allocator of one key table: size classes of 8 bytes on pages of `PagePool`.
///
/// Why our own: a record costs at most 7 bytes of rounding instead of an allocator's 12.5 %, `allocated_bytes` is exact, and
/// a whole table is freed by giving back its pages. Thread rule: owned by one table; call only under its partition's lock.
class Slab {
 public:
  explicit Slab(PagePool& pool) : pool_(pool) {}
  ~Slab();
  Slab(Slab const&) = delete;
  Slab& operator=(Slab const&) = delete;

  /// Bytes a request for `bytes` really gets when it comes from a page. Precondition: bytes <= kSlabBytesMax.
  static constexpr size_t class_bytes(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

  /// At least `bytes` bytes, aligned to 8.
  void* allocate(size_t bytes);
  /// `bytes` must be what was asked for.
  void release(void* block, size_t bytes);

  /// Where this block would stand better: a block of the same size in a fuller page; null: it stands well where it is. The
  /// caller copies the bytes, changes the one pointer to the block and releases it. A page is left by all its blocks or
  /// filled: which of both is decided once in a pass. `always`: there is a better place for every block (tests).
  void* denser_place(void const* block, size_t bytes, bool always = false);
  /// What denser_place will read, for a prefetch. Of any address.
  static void const* page_head(void const* block) {
    return reinterpret_cast<void const*>(reinterpret_cast<uintptr_t>(block) & ~(kPageBytes - 1));
  }
  /// From now on pages are chosen anew.
  void begin_pass() { pass_++; }
  /// Bytes of pages that would be empty if all blocks stood close: a lower bound, exact but for one page of a class.
  size_t sparse_bytes() const;

  /// Bytes in live blocks (rounded to their class).
  size_t allocated_bytes() const { return allocated_bytes_; }
  /// Live blocks that came from malloc: they must be released one by one, pages need not.
  size_t large_blocks() const { return large_blocks_; }
  size_t large_bytes() const { return large_bytes_; }
  size_t page_count() const { return page_count_; }

 private:
  struct Page;
  static constexpr size_t kClasses = kSlabBytesMax / 8 + 1;

  static Page* page_of(void const* block);
  Page* choose_target(size_t size_class);
  Page* add_page(size_t size_class);
  void link_partial(Page* page);
  void unlink_partial(Page* page);

  PagePool& pool_;
  std::array<Page*, kClasses> partial_{};  // pages with room, by class
  Page* all_ = nullptr;
  size_t allocated_bytes_ = 0;
  size_t large_blocks_ = 0;
  size_t large_bytes_ = 0;  // of those, part of allocated_bytes_
  size_t page_count_ = 0;
  size_t room_bytes_ = 0;  // of all blocks that fit in the pages
  uint8_t pass_ = 0;
};

}  // namespace holdfast
