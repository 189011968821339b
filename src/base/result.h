#pragma once

#include <expected>
#include <string>
#include <utility>

namespace holdfast {

/// Why an operation failed. `message` is for people (log lines, error replies); `errnum` is the errno when the system said no.
struct Error {
  std::string message;
  int errnum = 0;
};

/// A value or the reason there is none. Exceptions do not cross a folder; this does.
template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

inline std::unexpected<Error> fail(std::string message, int errnum = 0) {
  return std::unexpected(Error{std::move(message), errnum});
}

/// Failure that carries a system error: "<what>: <strerror>".
std::unexpected<Error> fail_errno(std::string const& what, int errnum);

}  // namespace holdfast
