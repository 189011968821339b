#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rdb/byte_reader.h"

namespace holdfast {

/// A value of type 0, in the form the keyspace keeps: integers as integers.
struct RdbStringValue {
  bool is_integer = false;
  int64_t integer = 0;
  /// When not an integer; points into the input or into the scratch of the caller.
  std::string_view text = {};
};

/// Decodes the payload of type 0 (after the type byte). Text that is a canonical int64 is an integer as well, as when
/// it is SET. On a fault of `in` the result means nothing.
RdbStringValue read_string_value(ByteReader& in, std::string& scratch);

}  // namespace holdfast
