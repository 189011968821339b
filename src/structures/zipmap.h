#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "structures/packed_entry.h"

// The hash form of Redis up to 2.4, which RDB type 9 contains. It is read and made into a packed list, never written:
//
//   u8 count, 254 = unknown | pairs | FF
//   pair = length, field, length, u8 free, value, `free` unused bytes     length = u8 up to 253, or FE and u32

namespace holdfast {

/// Reads the pairs from front to back. Nothing is trusted: open() checks every pair, and the walk checks again what it
/// stands on.
class ZipmapReader {
 public:
  /// Fails when any byte is not as it must be, when there is no pair, or a field twice. The bytes must outlive the
  /// reader.
  static Result<ZipmapReader> open(std::string_view bytes);

  /// Number of pairs.
  size_t count() const { return count_; }
  /// False at the end. Texts point into the bytes; canonical integers come as integers.
  bool next(packed::Element& field, packed::Element& value);

 private:
  explicit ZipmapReader(std::string_view bytes);

  std::string_view bytes_;
  size_t offset_;
  size_t count_ = 0;
};

/// The packed list field, value, field, value, ... Fails when the bytes are not a valid zipmap.
Result<std::string> packed_list_from_zipmap(std::string_view bytes);

}  // namespace holdfast
