#include "memory/page_pool.h"

#include <sys/mman.h>

#include <new>

#include "base/check.h"

namespace holdfast {
namespace {

/// Maps one region aligned to its size, so that the kernel may back it with a huge page.
char* map_region() {
  size_t span = 2 * kRegionBytes;
  void* raw = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  auto start = reinterpret_cast<uintptr_t>(raw);
  uintptr_t aligned = (start + kRegionBytes - 1) & ~(kRegionBytes - 1);
  if (aligned > start) munmap(raw, aligned - start);
  uintptr_t end = start + span;
  if (end > aligned + kRegionBytes) munmap(reinterpret_cast<void*>(aligned + kRegionBytes), end - aligned - kRegionBytes);
  // Nobody forks, so huge pages cost no copies; without them a random access mostly waits for the page table.
  madvise(reinterpret_cast<void*>(aligned), kRegionBytes, MADV_HUGEPAGE);
  return reinterpret_cast<char*>(aligned);
}

}  // namespace

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
  char* region = map_region();
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
