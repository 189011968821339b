#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/mutex.h"
#include "memory/huge_region.h"

namespace holdfast {

/// Size and alignment of a slab page in bytes: a record finds its page by masking its address.
inline constexpr size_t kPageBytes = 8192;

/// Hands out aligned pages to the slabs of all partitions. Safe from any thread; its mutex is a leaf.
///
/// Freed pages are kept; past `kKeptPagesMax` their memory is given back to the system, and so is the memory of all of them
/// by `trim`. A region of which no page is in memory is unmapped. Pages without memory are used again from the lowest
/// address on, so that the regions at the other end become empty. While a region has pages without memory the kernel may not
/// make huge pages of it: it would fill them up again. The first region begins like that, so that a few keys cost no megabytes.
class PagePool {
 public:
  PagePool() = default;
  ~PagePool();
  PagePool(PagePool const&) = delete;
  PagePool& operator=(PagePool const&) = delete;

  void* allocate();
  void release(void* page);
  /// Gives the memory of all free pages back to the system.
  void trim();

  /// Bytes in pages that are handed out.
  size_t used_bytes() const { return used_pages_.load(std::memory_order_relaxed) * kPageBytes; }
  /// Bytes of free pages whose memory is kept.
  size_t kept_bytes() const { return warm_pages_.load(std::memory_order_relaxed) * kPageBytes; }
  /// Bytes mapped.
  size_t mapped_bytes() const;

 private:
  static constexpr size_t kKeptPagesMax = 1024;
  static constexpr size_t kRegionPages = kRegionBytes / kPageBytes;

  struct Region {
    std::array<uint64_t, kRegionPages / 64> cold{};  // free pages without memory, a bit each
    size_t cold_pages = 0;
    bool small_pages = false;  // the kernel was told not to make huge pages
  };

  void add_cold(void* page) REQUIRES(mutex_);
  /// `huge_again`: huge pages may be made of its region from now on.
  void* take_cold(bool& huge_again) REQUIRES(mutex_);
  void give_back(void* page);

  mutable Mutex mutex_;
  std::map<uintptr_t, Region> regions_ GUARDED_BY(mutex_);    // by address
  std::set<uintptr_t> cold_regions_ GUARDED_BY(mutex_);       // those with such pages
  std::vector<void*> warm_ GUARDED_BY(mutex_);                // freed, memory still there
  char* fresh_ GUARDED_BY(mutex_) = nullptr;                  // unused rest of the newest region
  char* fresh_end_ GUARDED_BY(mutex_) = nullptr;
  std::atomic<size_t> used_pages_{0};
  std::atomic<size_t> warm_pages_{0};
};

}  // namespace holdfast
