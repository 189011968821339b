#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace holdfast {

void check_failed(char const* condition, char const* file, int line) {
  std::fprintf(stderr, "\n=== ASSERTION FAILED ===\n==> %s:%d '%s' is not true\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace holdfast
