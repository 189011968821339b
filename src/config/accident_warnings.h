#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace holdfast::config {

/// What this process may use of the machine, limits of its control group included.
struct MachineFacts {
  /// 0 when unknown.
  uint64_t memory_bytes = 0;
  /// At least 1.
  int usable_cpus = 1;
};

/// Reads /proc and /sys; takes no time to speak of, but belongs to the start.
MachineFacts read_machine_facts();

/// Settings that are legal and have hurt people: one sentence each, for the log at start and for --check-config.
std::vector<std::string> accident_warnings(Config const& config, MachineFacts const& machine);

}  // namespace holdfast::config
