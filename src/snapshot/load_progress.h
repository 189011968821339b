#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/logger.h"

namespace holdfast::snapshot {

/// How far a load is, how fast it goes, and what is left. Written by the loading threads, read by any.
class LoadProgress {
 public:
  /// The speed is measured anew after this long, and smoothed: commands are slower to load than keys of an RDB.
  static constexpr int64_t kSpeedIntervalUs = 500'000;
  /// A load that takes longer says how far it is, this often.
  static constexpr int64_t kLineIntervalUs = 5'000'000;
  /// The reading threads call `reach` after about this much.
  static constexpr uint64_t kStepBytes = 1024 * 1024;

  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> loaded_bytes{0};
  std::atomic<uint64_t> keys{0};
  std::atomic<uint64_t> expired_keys{0};

  /// Before a load.
  void clear();
  /// The one thread that reads has got to `bytes` of all files.
  void reach(uint64_t bytes, Clock const& clock, Logger& logger);
  /// What is left takes so long at the present speed; nothing while that is not known. Any thread.
  std::optional<int64_t> seconds_left() const;

 private:
  void measure(int64_t now_us, uint64_t bytes);
  void tell(Logger& logger) const;

  std::atomic<uint64_t> bytes_per_second_{0};
  // Of the reading thread.
  bool begun_ = false;
  int64_t measured_us_ = 0;
  uint64_t measured_bytes_ = 0;
  int64_t told_us_ = 0;
};

}  // namespace holdfast::snapshot
