#include "values/detached_value.h"

namespace holdfast {

DetachedValue DetachedValue::of_integer(int64_t integer) {
  DetachedValue value;
  value.encoding = Encoding::kInt;
  value.integer = integer;
  return value;
}

DetachedValue DetachedValue::of_text(std::string_view text) {
  DetachedValue value;
  if (text.size() >= kSharedBytesMin) {
    value.encoding = Encoding::kShared;
    value.shared = SharedBuffer::copy_of(text);
  } else {
    value.encoding = text.size() <= kEmbstrBytesMax ? Encoding::kEmbstr : Encoding::kRaw;
    value.bytes = text;
  }
  return value;
}

DetachedValue DetachedValue::of_packed(ValueType type, std::string bytes, Encoding encoding) {
  DetachedValue value;
  value.type = type;
  value.encoding = encoding;
  value.bytes = std::move(bytes);
  return value;
}

DetachedValue DetachedValue::of_body(ValueType type, std::unique_ptr<Body> body) {
  DetachedValue value;
  value.type = type;
  value.encoding = Encoding::kBody;
  value.body = std::move(body);
  return value;
}

}  // namespace holdfast
