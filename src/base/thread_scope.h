#pragma once

#include <signal.h>

#include <cstddef>

namespace holdfast {

/// Stands at the beginning of every thread: names it for `top -H`, debuggers and crash reports, and gives its signal handlers
/// a stack of their own, so that a stack that has overflowed can still be reported. Belongs to the thread that made it.
class ThreadScope {
 public:
  /// The kernel keeps this many bytes of a name.
  static constexpr size_t kNameBytesMax = 15;
  /// Of the stack for handlers; below it is a page that must not be touched.
  static constexpr size_t kStackBytes = 64 * 1024;

  /// Null: the thread keeps its name. That of the first thread is the name of the process.
  explicit ThreadScope(char const* name);
  ~ThreadScope();
  ThreadScope(ThreadScope const&) = delete;
  ThreadScope& operator=(ThreadScope const&) = delete;

 private:
  void* memory_ = nullptr;  ///< null: there was none to have, and handlers run on the thread's own stack
  stack_t before_{};
};

}  // namespace holdfast
