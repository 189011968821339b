#pragma once

#include <cstdint>

#include "command/memory_usage.h"
#include "command/services.h"
#include "keyspace/defragmentation.h"

namespace holdfast {

/// What INFO memory, MEMORY STATS and MEMORY DOCTOR tell. Bytes.
struct MemoryReport {
  MemoryFigures figures;
  uint64_t used = 0;
  uint64_t peak = 0;      ///< at least `used`
  uint64_t resident = 0;  ///< of the process, as the system counts
  FragmentationFigures holes;
  /// Of the allocators: in blocks; with the holes between these; with what they keep.
  uint64_t allocated() const { return used; }
  uint64_t active() const { return used + holes.holes(); }
  uint64_t retained() const { return active() + holes.kept; }
  /// Everything that is not keys.
  uint64_t overhead() const { return used - figures.keys; }
  double dataset_percent() const;
  double peak_percent() const;
  /// Resident to used, and the difference.
  double fragmentation() const;
  double allocator_fragmentation() const { return ratio(active(), allocated()); }
  double allocator_resident() const { return ratio(retained(), active()); }
  /// What is resident besides: the program, stacks, libraries.
  double resident_overhead() const { return ratio(resident, retained()); }
  int64_t resident_overhead_bytes() const { return static_cast<int64_t>(resident) - static_cast<int64_t>(retained()); }
  static double ratio(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }
  int64_t fragmentation_bytes() const { return static_cast<int64_t>(resident) - static_cast<int64_t>(used); }
};

/// Any thread. Reads /proc.
MemoryReport measure_memory(Services& services);

}  // namespace holdfast
