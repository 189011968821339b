#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "memory/huge_region.h"

namespace holdfast {

/// Size and alignment of a slab page in bytes: a record finds its page by masking its address.
inline constexpr size_t kPageBytes = 8192;

/// Hands out aligned pages to the slabs of all partitions. Safe from any thread; its mutex is a leaf.
/// Freed pages are kept; past `kKeptPagesMax` their memory is given back to the system (the address range stays reserved).
class PagePool {
 public:
  PagePool() = default;
  ~PagePool();
  PagePool(PagePool const&) = delete;
  PagePool& operator=(PagePool const&) = delete;

  void* allocate();
  void release(void* page);

  /// Bytes in pages that are handed out.
  size_t used_bytes() const { return used_pages_.load(std::memory_order_relaxed) * kPageBytes; }

 private:
  static constexpr size_t kKeptPagesMax = 1024;

  Mutex mutex_;
  std::vector<void*> regions_ GUARDED_BY(mutex_);
  std::vector<void*> warm_ GUARDED_BY(mutex_);  // freed, memory still there
  std::vector<void*> cold_ GUARDED_BY(mutex_);  // freed, memory given back
  char* fresh_ GUARDED_BY(mutex_) = nullptr;    // unused rest of the newest region
  char* fresh_end_ GUARDED_BY(mutex_) = nullptr;
  std::atomic<size_t> used_pages_{0};
  std::atomic<size_t> warm_pages_{0};
};

}  // namespace holdfast
