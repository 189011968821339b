#pragma once

#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast {

/// The keyed 64-bit hash of keys, fields and members. XXH3 with a secret drawn at start, so that who sends keys cannot
/// know which of them collide. Immutable after construction: any thread may use it. 256 bytes.
class KeyHasher {
 public:
  /// Draws its secret from the kernel.
  KeyHasher();
  /// Reproducible; for tests.
  explicit KeyHasher(uint64_t seed);

  uint64_t operator()(std::string_view key) const {
    return XXH3_64bits_withSecret(key.data(), key.size(), secret_, sizeof secret_);
  }

 private:
  static constexpr size_t kSecretBytes = 256;
  static_assert(kSecretBytes >= XXH3_SECRET_SIZE_MIN);

  alignas(64) unsigned char secret_[kSecretBytes];
};

}  // namespace holdfast
