#include "snapshot/load_progress.h"

#include <algorithm>
#include <cinttypes>

namespace holdfast::snapshot {

void LoadProgress::clear() {
  for (std::atomic<uint64_t>* figure : {&total_bytes, &loaded_bytes, &keys, &expired_keys, &bytes_per_second_}) {
    figure->store(0, std::memory_order_relaxed);
  }
  begun_ = false;
}

void LoadProgress::reach(uint64_t bytes, Clock const& clock, Logger& logger) {
  loaded_bytes.store(bytes, std::memory_order_relaxed);
  int64_t const now_us = clock.monotonic_us();
  if (!begun_) {
    begun_ = true;
    measured_us_ = told_us_ = now_us;
    measured_bytes_ = bytes;
    return;
  }
  if (now_us - measured_us_ >= kSpeedIntervalUs) measure(now_us, bytes);
  if (now_us - told_us_ < kLineIntervalUs) return;
  told_us_ = now_us;
  tell(logger);
}

void LoadProgress::measure(int64_t now_us, uint64_t bytes) {
  double const seconds = static_cast<double>(now_us - measured_us_) / 1e6;
  auto const speed = static_cast<uint64_t>(static_cast<double>(bytes - std::min(bytes, measured_bytes_)) / seconds);
  uint64_t const before = bytes_per_second_.load(std::memory_order_relaxed);
  bytes_per_second_.store(before == 0 ? speed : (before + speed) / 2, std::memory_order_relaxed);
  measured_us_ = now_us;
  measured_bytes_ = bytes;
}

std::optional<int64_t> LoadProgress::seconds_left() const {
  uint64_t const speed = bytes_per_second_.load(std::memory_order_relaxed);
  if (speed == 0) return std::nullopt;
  uint64_t const total = total_bytes.load(std::memory_order_relaxed);
  uint64_t const left = total - std::min(total, loaded_bytes.load(std::memory_order_relaxed));
  return static_cast<int64_t>((left + speed - 1) / speed);
}

void LoadProgress::tell(Logger& logger) const {
  constexpr double kMegabyte = 1e6;
  auto const total = static_cast<double>(total_bytes.load(std::memory_order_relaxed));
  auto const loaded = static_cast<double>(loaded_bytes.load(std::memory_order_relaxed));
  auto const speed = static_cast<double>(bytes_per_second_.load(std::memory_order_relaxed));
  std::optional<int64_t> const left = seconds_left();
  if (total == 0 || !left) return;
  logger.notice("Loading: %.1f%% of %.0f MB, %.1f MB/s, about %" PRId64 " seconds left", loaded / total * 100, total / kMegabyte,
                speed / kMegabyte, *left);
}

}  // namespace holdfast::snapshot
