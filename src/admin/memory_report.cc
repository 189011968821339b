#include "admin/memory_report.h"

#include <algorithm>

#include "command/server_state.h"

namespace holdfast {
namespace {

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole) * 100;
}

}  // namespace

double MemoryReport::dataset_percent() const { return std::min(100.0, percent(figures.keys, used - figures.startup)); }
double MemoryReport::peak_percent() const { return percent(used, peak); }
double MemoryReport::fragmentation() const {
  return used == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(used);
}

MemoryReport measure_memory(Services& services) {
  MemoryReport report;
  MemoryUsage& usage = services.state.memory;
  report.figures = usage.measure(services.keyspace, services.clients, services.log);
  report.used = report.figures.total();
  report.peak = std::max(usage.peak(), report.used);
  ResidentMemory const resident = resident_memory();
  report.resident = resident.total;
  report.holes = measure_fragmentation(services.keyspace, report.used - report.figures.keys, resident.anonymous);
  return report;
}

}  // namespace holdfast
