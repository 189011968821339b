#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "command/memory_usage.h"

namespace holdfast {

class Keyspace;
class LatencyMonitor;
struct WorkerContext;

/// maxmemory: whether it is exceeded, and making room by eviction. What counts is in docs/eviction.md. Any thread.
class MemoryLimit {
 public:
  struct Settings {
    uint64_t bytes = 0;  ///< maxmemory; 0: no limit
    int64_t tenacity = 10;
  };
  /// The policy and the samples are the keyspace's own. Also tells the partitions how often to report.
  void configure(Keyspace& keyspace, Settings const& settings);

  bool on() const { return bytes_.load(std::memory_order_relaxed) != 0; }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// What counts, now: as it was measured last, and what the keys have changed since.
  int64_t used(Keyspace const& keyspace) const;
  bool exceeded(Keyspace const& keyspace) const {
    return on() && used(keyspace) > static_cast<int64_t>(bytes());
  }
  /// The exact figures of this moment. The server calls this about ten times a second.
  void correct(Keyspace& keyspace, MemoryFigures const& figures);

  enum class Room : uint8_t {
    kEnough,
    kGoesOn,  ///< the time was too short; eviction goes on
    kNone,    ///< nothing may be evicted: what takes memory is refused
  };
  /// Evicts until the limit is kept, but no longer than maxmemory-eviction-tenacity allows, nor than `budget_us`. The caller
  /// holds no partition, and `worker` is its own.
  Room make_room(Keyspace& keyspace, WorkerContext& worker, LatencyMonitor& latency, int64_t budget_us = kAsConfigured);
  static constexpr int64_t kAsConfigured = INT64_MAX;

  /// Somebody's time was too short: all workers help. `wake` asks them to; set before they start.
  bool help_wanted() const { return help_wanted_.load(std::memory_order_relaxed); }
  void ask_for_help();
  void end_help() { help_wanted_.store(false, std::memory_order_relaxed); }
  std::function<void()> wake;

  /// Commands that take memory are refused at present.
  bool refuses() const { return on() && refuses_.load(std::memory_order_relaxed); }
  /// Time for which the limit was exceeded although there was eviction, in all and since when, microseconds.
  uint64_t exceeded_us() const;
  uint64_t exceeded_now_us() const;
  void reset_statistics();

 private:
  int64_t time_limit_us() const;
  Room evict(Keyspace& keyspace, WorkerContext& worker, LatencyMonitor& latency, int64_t budget_us);
  void note(Room room);

  alignas(64) std::atomic<uint64_t> bytes_{0};
  std::atomic<int64_t> base_{0};  // what counts, but for Keyspace::memory_changes
  std::atomic<int64_t> tenacity_{10};
  std::atomic<bool> help_wanted_{false};
  std::atomic<bool> refuses_{false};
  std::atomic<int64_t> exceeded_since_us_{0};  // 0: it is not
  std::atomic<uint64_t> exceeded_us_{0};
};

}  // namespace holdfast
