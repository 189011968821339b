#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "memory/shared_buffer.h"
#include "values/body.h"
#include "values/value_type.h"
#include "values/value_view.h"

namespace holdfast {

/// Longest string that is stored as embstr, bytes.
inline constexpr size_t kEmbstrBytesMax = 44;

/// A value outside of any record: on its way between keys (RENAME, COPY, MOVE), out of a file, or frozen for a reader.
struct DetachedValue {
  ValueType type = ValueType::kString;
  Encoding encoding = Encoding::kRaw;
  int64_t integer = 0;
  std::string bytes;
  SharedBufferRef shared;
  std::unique_ptr<Body> body;
  std::optional<int64_t> expire_ms;
  uint32_t access = 0;

  /// A string, encoded by the rule of SET (of text that is no integer), without expiry.
  static DetachedValue of_integer(int64_t integer);
  static DetachedValue of_text(std::string_view text);
  /// A collection without expiry.
  static DetachedValue of_packed(ValueType type, std::string bytes, Encoding encoding = Encoding::kPacked);
  static DetachedValue of_body(ValueType type, std::unique_ptr<Body> body);

  ValueView view() const {
    return {.type = type, .encoding = encoding, .bytes = bytes, .integer = integer, .shared = shared.get(), .body = body.get()};
  }
};

}  // namespace holdfast
