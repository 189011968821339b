#include "memory/block_mover.h"

#include <algorithm>

#include "base/clock.h"

namespace holdfast {

bool BlockMover::spent(uint64_t elements) {
  elements_left_ -= std::min(elements_left_, elements);
  return elements_left_ == 0 || SystemClock().monotonic_us() >= deadline_us_;
}

}  // namespace holdfast
