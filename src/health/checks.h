#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "health/figures.h"

namespace holdfast::health {

enum class Level : uint8_t { kGreen, kYellow, kRed };
/// "green", "yellow", "red".
std::string_view level_name(Level level);

/// One thing that is looked at. The names stay the same from version to version.
struct Check {
  std::string_view name;
  Level level = Level::kGreen;
  std::string text;  ///< what is wrong and what it means; empty when green
};

/// What the operator has said is too much.
struct Limits {
  int64_t snapshot_age_max_s = 0;  ///< 0: no limit
  int64_t fsync_lag_max_s = 0;
};

struct Report {
  Level level = Level::kGreen;  ///< the worst of all
  bool ready = true;            ///< may be sent clients: has its data and takes writes
  std::vector<Check> checks;    ///< all, the green ones too, in a fixed order
  DataAtRisk at_risk;
};

/// Judges. Pure.
Report judge(Figures const& figures, Limits const& limits);

}  // namespace holdfast::health
