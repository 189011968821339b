#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace holdfast {

/// Reads foreign bytes from front to back and never passes their end. Results point into the bytes.
class ByteCursor {
 public:
  explicit ByteCursor(std::string_view bytes) : rest_(bytes) {}

  /// Bytes that are left.
  size_t left() const { return rest_.size(); }

  /// The next `size` bytes, or nothing (and no move) when there are fewer.
  std::optional<std::string_view> take(size_t size) {
    if (size > rest_.size()) return std::nullopt;
    std::string_view const taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::optional<uint8_t> take_byte() {
    auto const byte = take(1);
    return byte ? std::optional(static_cast<uint8_t>((*byte)[0])) : std::nullopt;
  }

  /// In the byte order of the machine, which is little endian wherever this builds.
  std::optional<uint32_t> take_u32() {
    auto const bytes = take(sizeof(uint32_t));
    if (!bytes) return std::nullopt;
    uint32_t value;
    std::memcpy(&value, bytes->data(), sizeof value);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace holdfast
