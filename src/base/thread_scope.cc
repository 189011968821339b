#include "base/thread_scope.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstring>

namespace holdfast {
namespace {

constexpr size_t kGuardBytes = 4096;

}  // namespace

ThreadScope::ThreadScope(char const* name) {
  if (name) {
    char shown[kNameBytesMax + 1] = {};
    std::strncpy(shown, name, kNameBytesMax);
    pthread_setname_np(pthread_self(), shown);
  }
  void* const memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  void* const stack = static_cast<char*>(memory) + kGuardBytes;
  stack_t const own{.ss_sp = stack, .ss_flags = 0, .ss_size = kStackBytes};
  if (mprotect(stack, kStackBytes, PROT_READ | PROT_WRITE) != 0 || sigaltstack(&own, &before_) != 0) {
    munmap(memory, kGuardBytes + kStackBytes);
    return;
  }
  memory_ = memory;
}

ThreadScope::~ThreadScope() {
  if (!memory_) return;
  sigaltstack(&before_, nullptr);
  munmap(memory_, kGuardBytes + kStackBytes);
}

}  // namespace holdfast
