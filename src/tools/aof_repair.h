#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "disk/disk.h"
#include "tools/aof_set.h"

namespace holdfast::tools {

/// What is to be cut off.
struct AofCut {
  AofPartReport const* part = nullptr;
  uint64_t keep_bytes = 0;
};

/// What makes the AOF sound again: nothing when it is; the reason when cutting off a tail cannot do it. Points into
/// `report`.
std::expected<std::optional<AofCut>, std::string> plan_fix(AofReport const& report);

/// What takes away all that is later than the time with which the report was made: nothing when nothing is.
std::expected<std::optional<AofCut>, std::string> plan_time_cut(AofReport const& report, int64_t until_unix_s);

/// Cuts the file and brings the index beside it in line: entries for what is gone are removed. An index that does not
/// fit any more is deleted; a start makes a new one.
/// Refused while a Holdfast server writes the folder.
Status apply_cut(Disk& disk, AofCut const& cut, int64_t now_unix_ms);

}  // namespace holdfast::tools
