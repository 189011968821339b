#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/glob.h"
#include "command/args.h"
#include "resp/reply.h"

namespace holdfast {

/// The options of HSCAN and its relatives. Views of the arguments.
struct CollectionScan {
  uint64_t cursor = 0;
  uint64_t count = 10;
  std::optional<std::string_view> pattern;  ///< none: everything matches
  bool no_values = false;                   ///< HSCAN: only the fields

  /// The cursor of `args`; it is looked at before the key. On failure replies so.
  static std::optional<uint64_t> read_cursor(Args args, Reply& reply);
  /// The options behind the cursor, of a key that is there. On failure replies why.
  static std::optional<CollectionScan> parse(Args args, uint64_t cursor, bool has_values, Reply& reply);

  bool matches(std::string_view text) const { return !pattern || glob_match(*pattern, text); }
};

/// The reply of a scan that found nothing and is done.
void reply_empty_scan(Reply& reply);

}  // namespace holdfast
