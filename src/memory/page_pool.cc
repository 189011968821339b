#include "memory/page_pool.h"

#include <sys/mman.h>

#include <bit>
#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

uintptr_t region_of(void const* page) { return reinterpret_cast<uintptr_t>(page) & ~(kRegionBytes - 1); }

}  // namespace

PagePool::~PagePool() {
  for (auto const& [base, region] : regions_) munmap(reinterpret_cast<void*>(base), kRegionBytes);
}

void PagePool::add_cold(void* page) {
  uintptr_t const base = region_of(page);
  Region& region = regions_.find(base)->second;
  size_t const index = (reinterpret_cast<uintptr_t>(page) - base) / kPageBytes;
  DCHECK((region.cold[index / 64] >> (index % 64) & 1) == 0);
  region.cold[index / 64] |= uint64_t{1} << (index % 64);
  if (region.cold_pages++ == 0) cold_regions_.insert(base);
}

void* PagePool::take_cold(bool& huge_again) {
  uintptr_t const base = *cold_regions_.begin();
  Region& region = regions_.find(base)->second;
  size_t word = 0;
  while (region.cold[word] == 0) word++;
  size_t const index = word * 64 + static_cast<size_t>(std::countr_zero(region.cold[word]));
  region.cold[word] &= region.cold[word] - 1;
  if (--region.cold_pages == 0) {
    cold_regions_.erase(base);
    huge_again = std::exchange(region.small_pages, false);
  }
  return reinterpret_cast<void*>(base + index * kPageBytes);
}

void* PagePool::allocate() {
  used_pages_.fetch_add(1, std::memory_order_relaxed);
  bool huge_again = false;
  void* cold = nullptr;
  bool first;
  {
    MutexLock lock(mutex_);
    if (!warm_.empty()) {
      void* page = warm_.back();
      warm_.pop_back();
      warm_pages_.fetch_sub(1, std::memory_order_relaxed);
      return page;
    }
    if (!cold_regions_.empty()) {
      cold = take_cold(huge_again);
    } else if (fresh_ != fresh_end_) {
      void* page = fresh_;
      fresh_ += kPageBytes;
      return page;
    }
    first = regions_.empty();
  }
  if (cold) {
    if (huge_again) madvise(reinterpret_cast<void*>(region_of(cold)), kRegionBytes, MADV_HUGEPAGE);
    return cold;
  }
  // The system call is made outside of the lock; two threads may both map, and then both regions are used.
  char* region = static_cast<char*>(map_region(!first));
  MutexLock lock(mutex_);
  regions_.emplace(reinterpret_cast<uintptr_t>(region), Region{.small_pages = first});
  if (first) {  // its pages have no memory until they are used, as if that had been given back
    for (char* page = region + kPageBytes; page != region + kRegionBytes; page += kPageBytes) add_cold(page);
    return region;
  }
  for (char* page = fresh_; page != fresh_end_; page += kPageBytes) add_cold(page);
  fresh_ = region + kPageBytes;
  fresh_end_ = region + kRegionBytes;
  return region;
}

void PagePool::release(void* page) {
  DCHECK(reinterpret_cast<uintptr_t>(page) % kPageBytes == 0);
  used_pages_.fetch_sub(1, std::memory_order_relaxed);
  if (warm_pages_.load(std::memory_order_relaxed) >= kKeptPagesMax) return give_back(page);
  MutexLock lock(mutex_);
  warm_.push_back(page);
  warm_pages_.fetch_add(1, std::memory_order_relaxed);
}

/// Until it is in the set the page is ours alone, and so its region stays: the system is told without the mutex.
void PagePool::give_back(void* page) {
  uintptr_t const base = region_of(page);
  bool huge;
  {
    MutexLock lock(mutex_);
    huge = !std::exchange(regions_.find(base)->second.small_pages, true);
  }
  if (huge) madvise(reinterpret_cast<void*>(base), kRegionBytes, MADV_NOHUGEPAGE);
  madvise(page, kPageBytes, MADV_DONTNEED);
  {
    MutexLock lock(mutex_);
    add_cold(page);
    if (regions_.find(base)->second.cold_pages < kRegionPages) return;
    cold_regions_.erase(base);
    regions_.erase(base);
  }
  munmap(reinterpret_cast<void*>(base), kRegionBytes);
}

void PagePool::trim() {
  while (true) {
    void* page;
    {
      MutexLock lock(mutex_);
      if (warm_.empty()) return;
      page = warm_.back();
      warm_.pop_back();
      warm_pages_.fetch_sub(1, std::memory_order_relaxed);
    }
    give_back(page);
  }
}

size_t PagePool::mapped_bytes() const {
  MutexLock lock(mutex_);
  return regions_.size() * kRegionBytes;
}

}  // namespace holdfast
