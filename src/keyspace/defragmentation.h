#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "memory/block_heap.h"

namespace holdfast {

class Keyspace;

/// How much memory is lost to holes, bytes.
struct FragmentationFigures {
  uint64_t live = 0;         ///< in records, values and tables
  uint64_t sparse_pages = 0; ///< of pages of records that could be empty
  uint64_t sparse_spans = 0; ///< of spans of tables
  uint64_t heap_holes = 0;   ///< in the block heap
  uint64_t kept = 0;         ///< empty, and not given back to the system

  uint64_t holes() const { return sparse_pages + sparse_spans + heap_holes; }
  uint64_t total() const { return holes() + kept; }
  /// Of what is live, percent.
  double percent() const { return live == 0 ? 0 : static_cast<double>(total()) * 100 / static_cast<double>(live); }
};

/// Measures a key space. Any thread; a sum over the partitions, which are surveyed every second. `others`: bytes in the block
/// heap that are no keys; `resident`: bytes of the process that are in memory and not of a file.
FragmentationFigures measure_fragmentation(Keyspace const& keyspace, uint64_t others, uint64_t resident);

/// Active defragmentation of a key space: whether it runs, with how much effort, and what it has done. One thread decides
/// (`regulate`), a cycle of each worker does its part of a pass (DefragCycle). Everything is atomic.
class Defragmentation {
 public:
  /// The directives active-defrag-*.
  struct Settings {
    bool on = false;
    uint64_t ignore_bytes = 0;
    uint32_t threshold_lower = 10;  ///< percent
    uint32_t threshold_upper = 100;
    uint32_t cycle_min = 1;  ///< percent of the time of a worker
    uint32_t cycle_max = 25;
    uint64_t scan_fields_max = 1000;
  };

  /// Decides whether a pass is to begin, go on or end. `workers`: cycles there are. One thread, some times a second.
  void regulate(Settings const& settings, FragmentationFigures const& figures, uint32_t workers, int64_t now_us);

  // ---- for the cycles

  /// Percent of its time that a worker should spend; 0: nothing is to be done.
  uint32_t effort() const { return effort_.load(std::memory_order_relaxed); }
  /// Changes when a pass begins.
  uint32_t pass() const { return pass_.load(std::memory_order_acquire); }
  /// What is in the block heap is moved too.
  bool moves_heap() const { return heap_.load(std::memory_order_relaxed); }
  bool forced() const { return forced_.load(std::memory_order_relaxed); }
  uint64_t scan_fields_max() const { return scan_fields_max_.load(std::memory_order_relaxed); }
  /// A cycle has done its part.
  void part_done() { parts_left_.fetch_sub(1, std::memory_order_acq_rel); }

  // ---- for everybody

  /// Moves everything, again and again, at full effort, whatever is configured (DEBUG, tests).
  void force(bool on) { forced_.store(on, std::memory_order_relaxed); }
  /// All threads give back what they keep (MEMORY PURGE): each looks at this number.
  uint32_t purges() const { return purges_.load(std::memory_order_relaxed); }
  void purge() { purges_.fetch_add(1, std::memory_order_relaxed); }

  struct Counts {
    std::atomic<uint64_t> hits{0};
    std::atomic<uint64_t> misses{0};
    std::atomic<uint64_t> key_hits{0};
    std::atomic<uint64_t> key_misses{0};
  };
  Counts counts;
  void reset_counts();
  /// Time for which it was at work, microseconds: in all, and since it began this time (0: it rests).
  int64_t total_us(int64_t now_us) const;
  int64_t current_us(int64_t now_us) const;

 private:
  void begin_pass(FragmentationFigures const& figures, uint32_t workers);
  void rest(int64_t now_us);

  std::atomic<uint32_t> effort_{0};
  std::atomic<uint32_t> pass_{0};
  std::atomic<int32_t> parts_left_{0};
  std::atomic<bool> heap_{false};
  std::atomic<bool> forced_{false};
  std::atomic<uint64_t> scan_fields_max_{1000};
  std::atomic<uint32_t> purges_{0};
  std::atomic<int64_t> began_us_{-1};
  std::atomic<int64_t> total_us_{0};
  // Of the regulating thread.
  std::optional<HeapGivesBack> gives_back_;  // from the beginning of a pass until what it has freed is given back
  uint64_t at_begin_ = 0;         // of this pass, bytes
  uint64_t left_over_ = 0;        // what the last pass could not win, bytes
  int64_t next_try_us_ = 0;       // when it is tried again although nothing has changed
};

}  // namespace holdfast
