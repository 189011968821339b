#pragma once

#include <sched.h>

#include <chrono>

namespace holdfast {

/// For a thread that works for long beside others that have to answer soon. The kernel lets whoever runs go on until its next
/// tick, some milliseconds, however many wait; this one asks `pass` often, and gives the processor away after half a millisecond.
/// Costs nothing when nobody waits. Belongs to one thread at a time.
class ShortTurns {
 public:
  void pass() {
    Clock::time_point const now = Clock::now();
    if (now - begin_ < kTurn) return;
    sched_yield();
    begin_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds kTurn{500};
  Clock::time_point begin_ = Clock::now();
};

}  // namespace holdfast
