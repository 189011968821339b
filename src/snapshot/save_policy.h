#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/special_values.h"

// When a save or a rewrite begins by itself. Pure rules; times are monotonic seconds or Unix seconds as named.

namespace holdfast::snapshot {

/// After a failed save the save points wait for this long.
inline constexpr int64_t kSaveRetrySeconds = 5;
/// Failed rewrites in a row from which on automatic ones are spaced.
inline constexpr uint64_t kRewriteFailuresMin = 3;
inline constexpr int64_t kRewriteDelayMinutesMax = 60;

/// The first save point that is reached: at least so many changes, and more than so many seconds since the last save.
std::optional<config::SavePoint> reached_save_point(std::vector<config::SavePoint> const& points, uint64_t changes,
                                                    int64_t seconds_since_save);

/// Growth of the AOF since the last rewrite in percent, when that is enough for an automatic rewrite.
std::optional<int64_t> rewrite_growth(uint64_t current_bytes, uint64_t base_bytes, int64_t percentage,
                                      uint64_t min_bytes);

/// Minutes between the automatic rewrites after so many failures in a row: 0, then 1, 2, 4 ... 60.
int64_t rewrite_delay_minutes(uint64_t consecutive_failures);

}  // namespace holdfast::snapshot
