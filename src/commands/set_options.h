#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "command/args.h"
#include "commands/expiry_time.h"

namespace holdfast {

/// The options of SET and GETEX.
struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;
  /// EX, PX, EXAT, PXAT: at most one of them, its last number counts. Not yet looked at.
  struct Expiry {
    TimeForm form;
    std::string_view text;
  };
  std::optional<Expiry> expiry;

  enum class Of : uint8_t { kSet, kGetEx };
  /// Reads the options from argument `from` on. On failure replies the syntax error.
  static std::optional<SetOptions> parse(Args args, size_t from, Of command, Reply& reply);
};

}  // namespace holdfast
