#pragma once

#include <string>

namespace holdfast {

/// The first error that OpenSSL has noted on this thread, as "error:0A00010B:SSL routines::wrong version number"; forgets
/// all of them.
std::string tls_error_text();

}  // namespace holdfast
