#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace holdfast::health {

/// How long something has been unsafe: told again and again how far a count has come and how far of it is safe, it knows
/// when the oldest part that is not safe was first seen. Exact to the time between two looks. Not synchronized.
class RiskClock {
 public:
  /// `made` and `safe` count the same; neither goes back, but for `safe` after a failure was found out. `now_us` is monotonic.
  void look(uint64_t made, uint64_t safe, int64_t now_us);
  /// Forgets everything: another count begins (the log was switched on or off).
  void reset() { steps_.clear(); }
  /// Microseconds since the oldest unsafe part was first seen; 0 when all is safe.
  int64_t age_us(int64_t now_us) const { return steps_.empty() ? 0 : now_us - steps_.front().at_us; }

 private:
  /// At `at_us` the count had come to `made`, and was below it before.
  struct Step {
    uint64_t made;
    int64_t at_us;
  };
  /// With more steps than this each two become one, and from then on they keep a distance: ages are too high by a
  /// thousandth at most.
  static constexpr size_t kStepsMax = 4096;

  std::deque<Step> steps_;
  int64_t spacing_us_ = 0;
};

}  // namespace holdfast::health
