#include "net/tls_error.h"

#include <openssl/err.h>

#include <array>

namespace holdfast {

std::string tls_error_text() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

}  // namespace holdfast
