#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/number.h"
#include "config/accident_warnings.h"
#include "config/special_values.h"

namespace holdfast::config {
namespace {

std::string first_line(char const* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int affinity_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) {
    return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  }
  return std::max(1, CPU_COUNT(&set));
}

// CPUs of the control group's quota, rounded up; a large number without one.
int quota_cpus() {
  constexpr int kNoQuota = 1 << 20;
  // "max 100000" or "150000 100000".
  Words const words = split_spaces(first_line("/sys/fs/cgroup/cpu.max"));
  if (words.size() != 2) return kNoQuota;
  auto const quota = parse_int64(words[0]);
  auto const period = parse_int64(words[1]);
  if (!quota || !period || *quota <= 0 || *period <= 0) return kNoQuota;
  return static_cast<int>(std::min<int64_t>((*quota + *period - 1) / *period, kNoQuota));
}

uint64_t machine_memory() {
  long const pages = ::sysconf(_SC_PHYS_PAGES);
  long const page_bytes = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || page_bytes <= 0) return 0;
  uint64_t bytes = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  if (auto const limit = parse_int64(first_line("/sys/fs/cgroup/memory.max")); limit && *limit > 0) {
    bytes = std::min(bytes, static_cast<uint64_t>(*limit));
  }
  return bytes;
}

}  // namespace

MachineFacts read_machine_facts() {
  return {.memory_bytes = machine_memory(), .usable_cpus = std::min(affinity_cpus(), quota_cpus())};
}

}  // namespace holdfast::config
