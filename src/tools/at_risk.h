#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "disk/disk.h"

namespace holdfast::tools {

/// What stands behind the sound part of an AOF file and would be lost with it.
struct AtRisk {
  uint64_t bytes = 0;
  /// Complete commands that can still be read. Where the damage ends is guessed, so text inside a value that looks like
  /// a command may be counted.
  uint64_t commands = 0;
  /// False: looking for commands took too much work, there may be more.
  bool counted_all = true;
  /// Where the first of them begins.
  std::optional<uint64_t> first_command;
  /// Of the annotations there, unix seconds.
  std::optional<int64_t> first_time_s;
  std::optional<int64_t> last_time_s;
};

/// Looks for commands from `sound_up_to`, the end of the sound part, to the end of the file. The work is bounded by a
/// multiple of the bytes there, whatever they are. Fails when the file cannot be read.
Result<AtRisk> find_at_risk(Disk& disk, std::string const& path, uint64_t sound_up_to);

}  // namespace holdfast::tools
