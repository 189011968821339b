#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "command/latency_histogram.h"
#include "keyspace/partition.h"

namespace holdfast {

/// Figures of one command on one worker (INFO commandstats).
struct CommandStatistics {
  Counter calls;
  Counter nanoseconds;
  Counter rejected;  ///< refused by the gate after it was known
  Counter failed;    ///< executed and replied an error
  LatencyHistogram latency;
};

/// What one worker counts. Written by that worker only, but for CONFIG RESETSTAT; read by anybody.
struct alignas(64) WorkerStatistics {
  explicit WorkerStatistics(size_t command_count) : commands(command_count) {}

  std::string name;  ///< of the thread; set before the workers start
  std::vector<CommandStatistics> commands;  ///< by Command::id
  Counter commands_processed;
  Counter connections_received;
  Counter connections_rejected;
  Counter net_input_bytes;
  Counter net_output_bytes;
  Counter reads;
  Counter writes;
  Counter loop_turns;
  Counter loop_microseconds;  ///< of turns, without the waits
  LatencyHistogram turns;      ///< of the loop: who becomes ready waits for one at most
  LatencyHistogram lock_waits; ///< of commands that were parked because others held their partitions
  LatencyHistogram held_waits; ///< of commands that were held back: CLIENT PAUSE, a log or snapshot that cannot keep up

  /// Counts an error reply by its first word ("ERR", "WRONGTYPE").
  void count_error(std::string_view code) EXCLUDES(mutex_);

 private:
  friend class Statistics;
  Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> errors_ GUARDED_BY(mutex_);
};

/// The statistics of all workers together. Any thread.
class Statistics {
 public:
  explicit Statistics(size_t command_count) : command_count_(command_count) {}
  /// Before the workers start.
  WorkerStatistics& add_worker();

  /// All that were added, in that order.
  std::vector<std::unique_ptr<WorkerStatistics>> const& workers() const { return workers_; }
  uint64_t sum(Counter WorkerStatistics::*counter) const;
  struct CommandSum {
    uint64_t calls = 0;
    uint64_t nanoseconds = 0;
    uint64_t rejected = 0;
    uint64_t failed = 0;
  };
  CommandSum command(uint16_t id) const;
  LatencyDistribution latency(uint16_t id) const;
  LatencyDistribution latency(LatencyHistogram WorkerStatistics::*histogram) const;
  static LatencyDistribution latency(LatencyHistogram const& histogram);
  /// Time spent in commands, all together.
  uint64_t command_microseconds() const;
  /// Error replies by their first word.
  std::map<std::string, uint64_t> errors() const;
  /// CONFIG RESETSTAT. A count that is made at the same moment may survive.
  void reset();

  /// Means over the last samples, per second; `sample` is called about ten times a second by one worker.
  void sample(int64_t monotonic_us) EXCLUDES(mutex_);
  struct Rates {
    uint64_t commands = 0;
    uint64_t input_bytes = 0;
    uint64_t output_bytes = 0;
    uint64_t loop_turns = 0;
    uint64_t loop_microseconds = 0;  ///< not a rate: the mean of a turn
  };
  Rates rates() EXCLUDES(mutex_);

 private:
  static constexpr size_t kSamples = 16;

  size_t command_count_;
  std::vector<std::unique_ptr<WorkerStatistics>> workers_;
  Mutex mutex_;
  int64_t last_sample_us_ GUARDED_BY(mutex_) = 0;
  Rates last_totals_ GUARDED_BY(mutex_);
  std::array<Rates, kSamples> samples_ GUARDED_BY(mutex_);
  size_t next_sample_ GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast
