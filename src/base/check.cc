#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace holdfast {
namespace {

std::atomic<GivenUpHandler> handler_of_process{nullptr};

[[noreturn]] void give_up(GivenUp reason, char const* text, char const* file, int line) {
  if (GivenUpHandler const handler = handler_of_process.load(std::memory_order_acquire)) {
    handler(reason, text, file, line);
  } else if (reason == GivenUp::kAssertion) {
    std::fprintf(stderr, "\n=== ASSERTION FAILED ===\n==> %s:%d '%s' is not true\n", file, line, text);
  } else {
    std::fprintf(stderr, "\nGuru Meditation: %s #%s:%d\n", text, file, line);
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace

void check_failed(char const* condition, char const* file, int line) {
  give_up(GivenUp::kAssertion, condition, file, line);
}

void panic(char const* message, char const* file, int line) { give_up(GivenUp::kPanic, message, file, line); }

void set_given_up_handler(GivenUpHandler handler) { handler_of_process.store(handler, std::memory_order_release); }

}  // namespace holdfast
