#include "admin/memory_doctor.h"

#include <algorithm>

#include "base/number.h"

namespace holdfast {
namespace {

/// Below this there is nothing to say, bytes.
constexpr uint64_t kUsedMin = 5 * 1024 * 1024;
/// Holes below this are no fragmentation, bytes.
constexpr uint64_t kHolesBytesMin = 10 * 1024 * 1024;
constexpr double kFragmentationMax = 1.4;
/// Mean bytes of a connection.
constexpr uint64_t kClientBytesMax = 200 * 1024;

}  // namespace

std::string diagnose_memory(MemoryReport const& report, size_t clients) {
  if (report.used < kUsedMin) {
    return "This server holds less than 5 MiB: too little to tell anything about its memory.\n";
  }
  std::string text;
  if (report.peak > report.used + report.used / 2) {
    text += " * Peak: at its peak the server used " + format_memory_human(report.peak) +
            ", more than 1.5 times what it uses now. The memory between may still be with the process.\n";
  }
  if (report.allocator_fragmentation() > kFragmentationMax && report.holes.holes() > kHolesBytesMin) {
    text += " * Fragmentation: there are holes of " + format_memory_human(report.holes.holes()) +
            " between what is in memory. They are filled as data grows; activedefrag closes them while the server goes on.\n";
  }
  if (report.holes.kept > kHolesBytesMin && report.allocator_resident() > kFragmentationMax) {
    text += " * Kept: " + format_memory_human(report.holes.kept) +
            " are empty and kept for data to come. MEMORY PURGE gives them back.\n";
  }
  if (report.figures.clients / std::max<size_t>(1, clients) > kClientBytesMax) {
    text += " * Clients: a connection takes more than 200 KiB on average. Some clients may read their replies too slowly; "
            "look for large omem in CLIENT LIST.\n";
  }
  return text.empty() ? "No problem found.\n" : "Found in the memory of this server:\n\n" + text;
}

}  // namespace holdfast
