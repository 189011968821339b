#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "structures/packed_entry.h"

// The list form of Redis before 7.0, which RDB types 10, 12, 13 and 14 contain. It is read and made into a packed list,
// never written:
//
//   u32 total bytes | u32 offset of the last entry | u16 count, FFFF = unknown | entries | FF
//   entry = prevlen (u8, or FE and u32: bytes of the entry before), encoding, data

namespace holdfast {

/// Reads the elements from front to back. Nothing is trusted: open() checks every entry, and the walk checks again
/// what it stands on.
class ZiplistReader {
 public:
  /// Fails when any byte is not as it must be. The bytes must outlive the reader.
  static Result<ZiplistReader> open(std::string_view bytes);

  size_t count() const { return count_; }
  /// False at the end. A text points into the bytes; texts that are canonical integers come as integers.
  bool next(packed::Element& element);

 private:
  explicit ZiplistReader(std::string_view bytes);

  std::string_view bytes_;
  size_t offset_;
  size_t count_ = 0;
};

/// The packed list of the same elements. Fails when the bytes are not a valid ziplist.
Result<std::string> packed_list_from_ziplist(std::string_view bytes);

}  // namespace holdfast
