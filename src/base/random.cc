#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace holdfast {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Spreads a seed over the state so that small seeds do not start with mostly zero bits.
uint64_t splitmix64(uint64_t& x) {
  x += 0x9E3779B97F4A7C15;
  uint64_t z = x;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = splitmix64(seed);
}

uint64_t Random::below(uint64_t bound) {
  DCHECK(bound > 0);
  // Multiply-shift with rejection of the few values that would favour some results (Lemire 2019).
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{next()} * bound;
  if (static_cast<uint64_t>(product) < bound) {
    uint64_t const threshold = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < threshold) product = Wide{next()} * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

std::string Random::hex(size_t digits) {
  std::string out(digits, '0');
  uint64_t bits = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (i % 16 == 0) bits = next();
    out[i] = kHexDigits[bits & 15];
    bits >>= 4;
  }
  return out;
}

void system_random(std::span<unsigned char> out) {
  while (!out.empty()) {
    ssize_t const got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    out = out.subspan(static_cast<size_t>(got));
  }
}

uint64_t system_random_u64() {
  uint64_t value;
  system_random({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

std::string system_random_hex(size_t digits) {
  std::string out(digits, '0');
  system_random({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  for (char& c : out) c = kHexDigits[c & 15];
  return out;
}

}  // namespace holdfast
