#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast {

/// Whether what was published to `receivers` connections of a worker, the first of it `waited_us` microseconds ago, is sent
/// later. A system call for each receiver is most of what publishing costs; while input of others is ready there may be more to
/// publish, which then goes with it. With few receivers sending at once costs less than a later turn could save, and when
/// nothing is ready it is sent at once: nobody waits on a server that has time.
inline bool pushes_wait(size_t receivers, bool input_ready, int64_t waited_us) {
  constexpr size_t kReceiversMin = 16;
  constexpr int64_t kMicrosecondsMax = 500;
  return receivers >= kReceiversMin && input_ready && waited_us < kMicrosecondsMax;
}

}  // namespace holdfast
