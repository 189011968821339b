#include "base/result.h"

#include <cstring>

namespace holdfast {

std::unexpected<Error> fail_errno(std::string const& what, int errnum) {
  return fail(what + ": " + std::strerror(errnum), errnum);
}

}  // namespace holdfast
