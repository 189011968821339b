#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/directive_row.h"
#include "config/special_values.h"

namespace holdfast::config {

/// What a directive is set to: `number` for the number types (see is_number), else `text`; the other one is unused.
struct Value {
  int64_t number = 0;
  std::string text;
  bool operator==(Value const&) const = default;
};

/// What a value may depend on besides its words.
struct ParseContext {
  /// The directive's value so far: kept for what the words do not name (output limits).
  std::string_view before;
  /// Save points are added to `before`, as lines of a file are, instead of replacing it.
  bool add_save_points = false;
  /// Absolute; relative directories start here.
  std::string_view directory;
};

/// The value that the words of a line after its name, or the one text of CONFIG SET, stand for. Failures carry the
/// text that follows the " - " of CONFIG SET. Looks at the file system for `dir` only.
Result<Value> parse_value(Row const& row, Words const& words, ParseContext const& context);

/// As CONFIG GET prints it.
std::string value_text(Row const& row, Value const& value);

/// As it stands after the name in a rewritten file, for the types that take one line there.
std::string value_text_in_file(Row const& row, Value const& value);

}  // namespace holdfast::config
