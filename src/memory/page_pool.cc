#include "memory/page_pool.h"

#include <sys/mman.h>

#include "base/check.h"

namespace holdfast {

PagePool::~PagePool() {
  for (void* region : regions_) munmap(region, kRegionBytes);
}

void* PagePool::allocate() {
  used_pages_.fetch_add(1, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    if (!warm_.empty()) {
      void* page = warm_.back();
      warm_.pop_back();
      warm_pages_.fetch_sub(1, std::memory_order_relaxed);
      return page;
    }
    if (!cold_.empty()) {
      void* page = cold_.back();
      cold_.pop_back();
      return page;
    }
    if (fresh_ != fresh_end_) {
      void* page = fresh_;
      fresh_ += kPageBytes;
      return page;
    }
  }
  // The system call is made outside of the lock; two threads may both map, and then both regions are used.
  char* region = static_cast<char*>(map_huge_region());
  MutexLock lock(mutex_);
  regions_.push_back(region);
  for (char* page = fresh_; page != fresh_end_; page += kPageBytes) cold_.push_back(page);
  fresh_ = region + kPageBytes;
  fresh_end_ = region + kRegionBytes;
  return region;
}

void PagePool::release(void* page) {
  DCHECK(reinterpret_cast<uintptr_t>(page) % kPageBytes == 0);
  used_pages_.fetch_sub(1, std::memory_order_relaxed);
  bool keep = warm_pages_.load(std::memory_order_relaxed) < kKeptPagesMax;
  if (!keep) madvise(page, kPageBytes, MADV_DONTNEED);
  MutexLock lock(mutex_);
  if (keep) {
    warm_.push_back(page);
    warm_pages_.fetch_add(1, std::memory_order_relaxed);
  } else {
    cold_.push_back(page);
  }
}

}  // namespace holdfast
