#include "rdb/string_value.h"

#include "base/number.h"

namespace holdfast {

RdbStringValue read_string_value(ByteReader& in, std::string& scratch) {
  auto const value = in.string_or_integer(scratch);
  if (value.is_integer) return {.is_integer = true, .integer = value.integer};
  if (auto const integer = parse_int64(value.text)) return {.is_integer = true, .integer = *integer};
  return {.text = value.text};
}

}  // namespace holdfast
