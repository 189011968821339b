#include "health/risk_clock.h"

namespace holdfast::health {

void RiskClock::look(uint64_t made, uint64_t safe, int64_t now_us) {
  while (!steps_.empty() && steps_.front().made <= safe) steps_.pop_front();
  if (steps_.empty()) spacing_us_ = 0;
  if (made <= safe || (!steps_.empty() && steps_.back().made >= made)) return;
  if (!steps_.empty() && now_us - steps_.back().at_us < spacing_us_) {
    steps_.back().made = made;  // as if it had been made with the step before: it never looks younger than it is
    return;
  }
  steps_.push_back({made, now_us});
  if (steps_.size() <= kStepsMax) return;
  std::deque<Step> kept;
  for (size_t i = 0; i + 1 < steps_.size(); i += 2) kept.push_back({steps_[i + 1].made, steps_[i].at_us});
  if (steps_.size() % 2 == 1) kept.push_back(steps_.back());
  steps_.swap(kept);
  spacing_us_ = 2 * (now_us - steps_.front().at_us) / static_cast<int64_t>(kStepsMax);
}

}  // namespace holdfast::health
