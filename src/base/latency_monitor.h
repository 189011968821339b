#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace holdfast {

/// Remembers what took longer than latency-monitor-threshold, by kind of event: what LATENCY shows. Any thread; the mutex is
/// a leaf and is taken only for what was late.
class LatencyMonitor {
 public:
  /// Samples kept of one event, the latest ones; of each second the longest.
  static constexpr size_t kSamplesMax = 160;

  struct Sample {
    int64_t unix_s = 0;
    int64_t ms = 0;
  };
  struct Event {
    std::string name;
    std::vector<Sample> samples;  ///< the oldest first, at least one
    int64_t longest_ms = 0;       ///< since the start or the last reset
  };

  /// `clock` outlives the monitor.
  explicit LatencyMonitor(Clock const& clock) : clock_(clock) {}

  /// 0: nothing is late.
  void set_threshold_ms(int64_t ms) { threshold_ms_.store(ms, std::memory_order_relaxed); }
  bool on() const { return threshold_ms_.load(std::memory_order_relaxed) > 0; }
  bool is_late(uint64_t nanoseconds) const {
    int64_t const ms = threshold_ms_.load(std::memory_order_relaxed);
    return ms > 0 && nanoseconds >= static_cast<uint64_t>(ms) * 1'000'000;
  }
  /// Keeps a sample of `event` when it was late. The names are those of Redis.
  void note(std::string_view event, uint64_t nanoseconds) EXCLUDES(mutex_) {
    if (is_late(nanoseconds)) [[unlikely]] add(event, static_cast<int64_t>(nanoseconds / 1'000'000));
  }

  /// All events that were ever late, by name.
  std::vector<Event> events() const EXCLUDES(mutex_);
  /// One of them; without samples when it was never late.
  Event event(std::string_view name) const EXCLUDES(mutex_);
  /// Forgets the events of these names, or all; returns how many there were.
  size_t reset(std::span<std::string_view const> names) EXCLUDES(mutex_);

  Clock const& clock() const { return clock_; }

 private:
  struct Series {
    std::array<Sample, kSamplesMax> ring;
    size_t size = 0;
    size_t next = 0;
    int64_t longest_ms = 0;
    std::vector<Sample> in_order() const;
  };

  void add(std::string_view event, int64_t ms) EXCLUDES(mutex_);

  Clock const& clock_;
  std::atomic<int64_t> threshold_ms_{0};
  mutable Mutex mutex_;
  std::map<std::string, Series, std::less<>> series_ GUARDED_BY(mutex_);
};

/// Times its scope for a monitor, which may be null. While the monitor is off no clock is read.
class LatencyTimer {
 public:
  LatencyTimer(LatencyMonitor* monitor, std::string_view event)
      : monitor_(monitor && monitor->on() ? monitor : nullptr), event_(event) {
    if (monitor_) start_us_ = monitor_->clock().monotonic_us();
  }
  ~LatencyTimer() {
    if (!monitor_) return;
    int64_t const us = monitor_->clock().monotonic_us() - start_us_;
    if (us > 0) monitor_->note(event_, static_cast<uint64_t>(us) * 1000);
  }
  LatencyTimer(LatencyTimer const&) = delete;
  LatencyTimer& operator=(LatencyTimer const&) = delete;

 private:
  LatencyMonitor* monitor_;
  std::string_view event_;
  int64_t start_us_ = 0;
};

}  // namespace holdfast
