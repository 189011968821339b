#pragma once

namespace holdfast {

/// Logs the failed condition with its place and aborts. No input of a client or file may reach a CHECK.
[[noreturn]] void check_failed(char const* condition, char const* file, int line);

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
