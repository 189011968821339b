#pragma once

#include <cstdint>

#include "command/memory_usage.h"
#include "command/services.h"

namespace holdfast {

/// What INFO memory, MEMORY STATS and MEMORY DOCTOR tell. Bytes.
struct MemoryReport {
  MemoryFigures figures;
  uint64_t used = 0;
  uint64_t peak = 0;      ///< at least `used`
  uint64_t resident = 0;  ///< of the process, as the system counts
  /// Everything that is not keys.
  uint64_t overhead() const { return used - figures.keys; }
  double dataset_percent() const;
  double peak_percent() const;
  /// Resident to used, and the difference.
  double fragmentation() const;
  int64_t fragmentation_bytes() const { return static_cast<int64_t>(resident) - static_cast<int64_t>(used); }
};

/// Any thread. Reads /proc.
MemoryReport measure_memory(Services& services);

}  // namespace holdfast
