#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/strings.h"

namespace holdfast {

/// Bytes of hex digits; blanks are passed over.
inline std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (char const c : hex) {
    if (c == ' ') continue;
    if (high < 0) {
      high = hex_digit(c);
    } else {
      bytes.push_back(static_cast<char>(high * 16 + hex_digit(c)));
      high = -1;
    }
  }
  return bytes;
}

/// A block of exactly as many bytes as asked, so that the address sanitizer sees the first one beyond.
class ExactBytes {
 public:
  explicit ExactBytes(size_t size) : bytes_(new char[size]), size_(size) {}
  explicit ExactBytes(std::string_view content) : ExactBytes(content.size()) {
    std::ranges::copy(content, bytes_.get());
  }
  char* data() { return bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

/// A number whose magnitude is spread over all widths.
inline int64_t random_integer(Random& random) { return static_cast<int64_t>(random.next()) >> random.below(64); }

/// A number, or a text of up to about `bytes_max` bytes, mostly short, of few letters so that repetitions happen.
inline std::string random_text(Random& random, size_t bytes_max) {
  if (random.below(3) == 0) return std::to_string(random_integer(random));
  size_t const limit = random.below(8) == 0 ? bytes_max : 12;
  std::string text(random.below(limit + 1), '\0');
  for (char& c : text) c = "ab1-\xFF"[random.below(5)];
  return text;
}

/// What damage and attackers do: bytes changed, cut out, doubled, cut off.
inline std::string damaged(std::string bytes, Random& random) {
  for (uint64_t changes = 1 + random.below(4); changes != 0 && !bytes.empty(); --changes) {
    size_t const at = random.below(bytes.size());
    switch (random.below(6)) {
      case 0:
        bytes.erase(at, 1 + random.below(4));
        break;
      case 1:
        bytes.insert(at, bytes.substr(random.below(bytes.size()), 1 + random.below(8)));
        break;
      case 2:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
        break;
      case 3:
        bytes[at] = "\xFF\xFE\xF0\xF4\x00\x7F\x80\xE0\xC0"[random.below(9)];
        break;
      case 4:
        bytes[at] = static_cast<char>(bytes[at] + (random.below(2) == 0 ? 1 : -1));
        break;
      default:
        bytes[at] = static_cast<char>(random.next());
    }
  }
  return bytes;
}

}  // namespace holdfast
