#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

/// Types of values; the numbers are those of DEBUG DIGEST and of a record's first byte.
enum class ValueType : uint8_t { kString = 0, kList = 1, kSet = 2, kZset = 3, kHash = 4, kModule = 5, kStream = 6 };

/// How the value of a record is stored. The names that OBJECT ENCODING prints are in `encoding_name`.
enum class Encoding : uint8_t {
  kInt = 0,     ///< 8 bytes, a signed integer
  kEmbstr = 1,  ///< bytes in the record, made by a SET of at most 44 bytes
  kRaw = 2,     ///< bytes in the record
  kShared = 3,  ///< pointer to a SharedBuffer (kSharedBytesMin and more); "raw" to clients
};

/// The word TYPE answers, e.g. "string".
std::string_view type_name(ValueType type);
/// The word OBJECT ENCODING answers, e.g. "embstr".
std::string_view encoding_name(Encoding encoding);

}  // namespace holdfast
