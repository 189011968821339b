#include "base/sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/strings.h"

namespace holdfast {
namespace {

unsigned char const* as_bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

template <class Digest>
std::string hex_of(Digest const& digest) {
  return to_hex({reinterpret_cast<char const*>(digest.data()), digest.size()});
}

}  // namespace

Sha1Digest sha1(std::string_view bytes) {
  Sha1Digest digest;
  SHA1(as_bytes(bytes), bytes.size(), digest.data());
  return digest;
}

std::string sha1_hex(std::string_view bytes) { return hex_of(sha1(bytes)); }

std::string sha256_hex(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(as_bytes(bytes), bytes.size(), digest.data());
  return hex_of(digest);
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace holdfast
