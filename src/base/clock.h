#pragma once

#include <cstdint>

namespace holdfast {

/// Wall and monotonic time behind a seam, so that tests can move it. Implementations are safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Microseconds since the Unix epoch.
  virtual int64_t unix_us() const = 0;
  /// Microseconds of a clock that never goes back; only differences mean something.
  virtual int64_t monotonic_us() const = 0;
  int64_t unix_ms() const { return unix_us() / 1000; }
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  int64_t unix_us() const override;
  int64_t monotonic_us() const override;
};

/// Of the system clock, monotonic, microseconds: for those that measure themselves.
inline int64_t now_us() { return SystemClock().monotonic_us(); }

}  // namespace holdfast
