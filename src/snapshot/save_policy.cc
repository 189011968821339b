#include "snapshot/save_policy.h"

#include <algorithm>

namespace holdfast::snapshot {

std::optional<config::SavePoint> reached_save_point(std::vector<config::SavePoint> const& points, uint64_t changes,
                                                    int64_t seconds_since_save) {
  for (config::SavePoint const& point : points) {
    if (changes >= static_cast<uint64_t>(point.changes) && seconds_since_save > point.seconds) return point;
  }
  return std::nullopt;
}

std::optional<int64_t> rewrite_growth(uint64_t current_bytes, uint64_t base_bytes, int64_t percentage,
                                      uint64_t min_bytes) {
  if (percentage == 0 || current_bytes <= min_bytes) return std::nullopt;
  uint64_t const base = std::max<uint64_t>(base_bytes, 1);
  auto const growth = static_cast<int64_t>(current_bytes * 100 / base) - 100;
  return growth >= percentage ? std::optional(growth) : std::nullopt;
}

int64_t rewrite_delay_minutes(uint64_t consecutive_failures) {
  if (consecutive_failures < kRewriteFailuresMin) return 0;
  uint64_t const doublings = std::min<uint64_t>(consecutive_failures - kRewriteFailuresMin, 6);
  return std::min(int64_t{1} << doublings, kRewriteDelayMinutesMax);
}

}  // namespace holdfast::snapshot
