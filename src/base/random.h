#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace holdfast {

/// xoshiro256** (Blackman, Vigna): small, fast, reproducible from its seed. Not for secrets. One owner at a time.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next() {
    uint64_t const result = rotate(state_[1] * 5, 7) * 9;
    uint64_t const t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); bound >= 1.
  uint64_t below(uint64_t bound);

  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// `digits` lower case hex digits.
  std::string hex(size_t digits);

 private:
  static uint64_t rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

  uint64_t state_[4];
};

/// Fills from the kernel's generator (getrandom); fit for secrets. Safe from any thread.
void system_random(std::span<unsigned char> out);
uint64_t system_random_u64();

/// `digits` lower case hex digits from the kernel: run ids, replication ids, generated passwords.
std::string system_random_hex(size_t digits);

}  // namespace holdfast
