#include "base/hash.h"

#include <cstring>

#include "base/random.h"

namespace holdfast {

KeyHasher::KeyHasher() { system_random(secret_); }

KeyHasher::KeyHasher(uint64_t seed) {
  Random random(seed);
  for (size_t i = 0; i < kSecretBytes; i += sizeof(uint64_t)) {
    uint64_t const word = random.next();
    std::memcpy(secret_ + i, &word, sizeof word);
  }
}

}  // namespace holdfast
