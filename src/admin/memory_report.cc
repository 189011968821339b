#include "admin/memory_report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "command/server_state.h"

namespace holdfast {
namespace {

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole) * 100;
}

/// 0 when /proc is not there.
uint64_t resident_bytes() {
  std::unique_ptr<FILE, decltype([](FILE* file) { std::fclose(file); })> const file(std::fopen("/proc/self/statm", "re"));
  unsigned long size = 0;
  unsigned long resident_pages = 0;
  if (!file || std::fscanf(file.get(), "%lu %lu", &size, &resident_pages) != 2) return 0;
  return uint64_t{resident_pages} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
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
  report.resident = resident_bytes();
  return report;
}

}  // namespace holdfast
