#pragma once

namespace holdfast {

/// Why the process gives up by itself.
enum class GivenUp {
  kAssertion,  ///< a CHECK: `text` is the condition
  kPanic,      ///< `text` says what cannot be
};

/// Logs the failed condition with its place and aborts. No input of a client or file may reach a CHECK.
[[noreturn]] void check_failed(char const* condition, char const* file, int line);

/// The same for what no condition stands for.
[[noreturn]] void panic(char const* message, char const* file, int line);

/// Told before the process aborts, on the thread that gives up; null: a line is written to standard error. One for the
/// process, as signal handlers are; it must be ready for any state of the heap and of all locks.
using GivenUpHandler = void (*)(GivenUp reason, char const* text, char const* file, int line);
void set_given_up_handler(GivenUpHandler handler);

}  // namespace holdfast

/// An invariant that must hold; stays on in release.
#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) [[unlikely]] ::holdfast::check_failed(#condition, __FILE__, __LINE__); \
  } while (0)

/// An invariant that is too expensive for release.
#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
