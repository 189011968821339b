#include "memory/huge_region.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace holdfast {

void* map_region(bool huge) {
  size_t span = 2 * kRegionBytes;
  void* raw = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  auto start = reinterpret_cast<uintptr_t>(raw);
  uintptr_t aligned = (start + kRegionBytes - 1) & ~(kRegionBytes - 1);
  if (aligned > start) munmap(raw, aligned - start);
  uintptr_t end = start + span;
  if (end > aligned + kRegionBytes) munmap(reinterpret_cast<void*>(aligned + kRegionBytes), end - aligned - kRegionBytes);
  // Nobody forks, so huge pages cost no copies; without them a random access mostly waits for the page table.
  madvise(reinterpret_cast<void*>(aligned), kRegionBytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

}  // namespace holdfast
