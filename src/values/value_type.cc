#include "values/value_type.h"

#include "base/check.h"

namespace holdfast {

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::kString: return "string";
    case ValueType::kList: return "list";
    case ValueType::kSet: return "set";
    case ValueType::kZset: return "zset";
    case ValueType::kHash: return "hash";
    case ValueType::kModule: return "module";
    case ValueType::kStream: return "stream";
  }
  CHECK(!"unknown value type");
  return {};
}

}  // namespace holdfast
