#pragma once

#include <cstdint>
#include <string_view>

#include "memory/shared_buffer.h"
#include "values/body.h"
#include "values/value_type.h"

namespace holdfast {

/// A value seen where it lies: in a record, or in a DetachedValue. Valid while that does not change.
struct ValueView {
  ValueType type = ValueType::kString;
  Encoding encoding = Encoding::kRaw;
  std::string_view bytes = {};     ///< inline encodings
  int64_t integer = 0;             ///< kInt
  SharedBuffer* shared = nullptr;  ///< kShared
  Body* body = nullptr;            ///< kBody
};

}  // namespace holdfast
