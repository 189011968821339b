#pragma once

#include <cstdint>

#include "rdb/byte_reader.h"
#include "rdb/format.h"

namespace holdfast {

/// True for the first bytes of values that can be read (0..25 but for 6 and 8).
constexpr bool is_rdb_value_type(uint8_t byte) { return byte <= 25 && byte != 6 && byte != 8; }

/// Moves `in` behind the value of the type; the type byte was read before. Checks what is needed to find the end: forms
/// of lengths and strings, fixed sizes, module opcodes; contents are left to who decodes them. No allocation.
void skip_value(RdbType type, ByteReader& in);

/// Moves `in` behind module data (kModule2 after its module id, kModuleAux after `when`), end opcode included.
void skip_module_data(ByteReader& in);

}  // namespace holdfast
