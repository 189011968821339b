#include "base/ticks.h"

#include <ctime>

namespace holdfast {
namespace {

uint64_t monotonic_ns() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<uint64_t>(ts.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(ts.tv_nsec);
}

}  // namespace

TickScale::TickScale() {
  uint64_t start_ns = monotonic_ns();
  uint64_t start = ticks();
  uint64_t now_ns;
  do now_ns = monotonic_ns();
  while (now_ns - start_ns < 1'000'000);
  uint64_t elapsed = ticks() - start;
  multiplier_ = ((now_ns - start_ns) << 32) / elapsed;
}

}  // namespace holdfast
