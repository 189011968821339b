#pragma once

#include <x86intrin.h>

#include <cstdint>

namespace holdfast {

/// The processor's time stamp counter: what a command's time is measured with (8 ns a reading, a third of clock_gettime).
inline uint64_t ticks() { return __rdtsc(); }

/// Turns differences of `ticks` into time. Calibrated once against the monotonic clock, in about a millisecond.
class TickScale {
 public:
  TickScale();
  uint64_t nanoseconds(uint64_t tick_difference) const {
    return static_cast<uint64_t>(static_cast<Wide>(tick_difference) * multiplier_ >> 32);
  }
  uint64_t ticks_of_microseconds(uint64_t us) const { return (us * 1000 << 32) / multiplier_; }

 private:
  __extension__ typedef unsigned __int128 Wide;
  uint64_t multiplier_;  // nanoseconds per tick, times 2^32
};

}  // namespace holdfast
