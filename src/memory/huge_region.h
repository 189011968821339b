#pragma once

#include <cstddef>

namespace holdfast {

/// Memory is taken from the system in regions of this many bytes, aligned to their size.
inline constexpr size_t kRegionBytes = 2 * 1024 * 1024;

/// Maps one region, zeroed, which the kernel may back with a huge page, or shall not. Given back with munmap. Throws bad_alloc.
void* map_region(bool huge);

}  // namespace holdfast
