#include "base/prompt_thread.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace holdfast {
namespace {

/// The shortest slice that the kernel accepts.
constexpr uint64_t kSliceNs = 100'000;

/// `struct sched_attr` in its first version, which all kernels know. Debian 12's C library has neither it nor the calls.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // of ordinary threads: the slice
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

bool get(SchedulingAttributes& attributes) {
  return syscall(SYS_sched_getattr, 0, &attributes, static_cast<unsigned>(sizeof attributes), 0U) == 0;
}

}  // namespace

bool ask_for_prompt_running() {
  SchedulingAttributes attributes;
  if (!get(attributes) || attributes.policy != SCHED_OTHER) return false;
  attributes.size = sizeof attributes;
  attributes.runtime_ns = kSliceNs;
  if (syscall(SYS_sched_setattr, 0, &attributes, 0U) != 0) return false;
  // Kernels before 6.12 take the figure and forget it.
  return get(attributes) && attributes.runtime_ns == kSliceNs;
}

}  // namespace holdfast
