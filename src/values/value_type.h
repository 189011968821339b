#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

/// Types of values; the numbers are those of DEBUG DIGEST and of a record's first byte.
enum class ValueType : uint8_t { kString = 0, kList = 1, kSet = 2, kZset = 3, kHash = 4, kModule = 5, kStream = 6 };

/// How the value of a record is stored. The name that OBJECT ENCODING prints also depends on the type: see TypeOps.
enum class Encoding : uint8_t {
  kInt = 0,     ///< string: 8 bytes, a signed integer
  kEmbstr = 1,  ///< string: bytes in the record, made by a SET of at most 44 bytes
  kRaw = 2,     ///< string: bytes in the record
  kShared = 3,  ///< string: pointer to a SharedBuffer (kSharedBytesMin and more); "raw" to clients
  kPacked = 4,  ///< collection: a packed list (listpack bytes) in the record
  kIntset = 5,  ///< set: an int set in the record
  kBody = 6,    ///< collection: pointer to a Body
  kSchema = 7,  ///< hash: the number of a HashSchema and the values, in the record
};

/// True when the value's bytes are in the record itself.
constexpr bool is_inline(Encoding encoding) {
  return encoding == Encoding::kEmbstr || encoding == Encoding::kRaw || encoding == Encoding::kPacked ||
         encoding == Encoding::kIntset || encoding == Encoding::kSchema;
}

/// The word TYPE answers, e.g. "string".
std::string_view type_name(ValueType type);

}  // namespace holdfast
