#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "keyspace/partition.h"

namespace holdfast {

/// How long the calls of a command took on one worker, in slots of at most 0.8 % width.
///
/// The slots are those of the HDR histogram that LATENCY HISTOGRAM of Redis is made of: 1 ns to 1 s with two significant
/// digits. 128 slots halve each power of two from 128 ns on:
///
///   octave   0: 0..127 ns by 1    1: 128..255 by 1    2: 256..511 by 2   ...   23: 2^29..2^30 by 2^22
///
/// An octave's counts (1 KiB) are made when a call falls into it; a command needs five or so. Written by its worker, read by
/// any thread, except for `reset`, in which counts of the same moment may survive.
class LatencyHistogram {
 public:
  static constexpr uint64_t kLongestNanoseconds = 1'000'000'000;  ///< what takes longer counts as this
  static constexpr size_t kSlotsPerOctave = 128;
  static constexpr size_t kOctaves = 24;
  static constexpr size_t kSlots = kOctaves * kSlotsPerOctave;

  LatencyHistogram() = default;
  ~LatencyHistogram() {
    for (auto& octave : octaves_) delete[] octave.load(std::memory_order_relaxed);
  }
  LatencyHistogram(LatencyHistogram const&) = delete;
  LatencyHistogram& operator=(LatencyHistogram const&) = delete;

  void record(uint64_t nanoseconds) {
    size_t const slot = slot_of(nanoseconds);
    Counter* octave = octaves_[slot / kSlotsPerOctave].load(std::memory_order_relaxed);
    if (!octave) [[unlikely]] octave = make(slot / kSlotsPerOctave);
    octave[slot % kSlotsPerOctave].add(1);
  }
  void reset();
  /// Adds the counts to `slots`, which has kSlots of them.
  void add_to(std::vector<uint64_t>& slots) const;

  static size_t slot_of(uint64_t nanoseconds) {
    uint64_t const value = nanoseconds < 1 ? 1 : nanoseconds > kLongestNanoseconds ? kLongestNanoseconds : nanoseconds;
    auto const shift = static_cast<size_t>(56 - __builtin_clzll(value | 0xFF));
    return shift * kSlotsPerOctave + static_cast<size_t>(value >> shift);
  }
  /// The least and the greatest value of a slot, ns.
  static uint64_t lowest_of(size_t slot) { return slot < 2 * kSlotsPerOctave ? slot : fraction_of(slot) << shift_of(slot); }
  static uint64_t highest_of(size_t slot) {
    return slot < 2 * kSlotsPerOctave ? slot : ((fraction_of(slot) + 1) << shift_of(slot)) - 1;
  }

 private:
  static size_t shift_of(size_t slot) { return slot / kSlotsPerOctave - 1; }
  static uint64_t fraction_of(size_t slot) { return kSlotsPerOctave + slot % kSlotsPerOctave; }

  Counter* make(size_t octave);

  std::array<std::atomic<Counter*>, kOctaves> octaves_{};
};

/// The histograms of all workers for one command, added up at some moment.
class LatencyDistribution {
 public:
  explicit LatencyDistribution(std::vector<uint64_t> slots);

  uint64_t calls() const { return calls_; }
  /// The time (ns) within which `percent` of the calls were done, as far as the slots tell.
  uint64_t percentile(double percent) const;

  /// A step of LATENCY HISTOGRAM: calls that took at most about `microseconds`.
  struct Step {
    uint64_t microseconds;
    uint64_t calls;
  };
  /// Powers of two from 1 us on, those only at which the sum grows.
  std::vector<Step> cumulative() const;
  /// Calls of at most so long, to the end of the slot that it falls into.
  uint64_t calls_within(uint64_t nanoseconds) const;
  /// All calls together, as far as the slots tell; what took longer than kLongestNanoseconds counts as that.
  double total_seconds() const;

 private:
  std::vector<uint64_t> slots_;
  uint64_t calls_ = 0;
};

}  // namespace holdfast
