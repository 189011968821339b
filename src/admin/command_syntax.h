#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast {

/// One argument of a command as COMMAND DOCS describes it.
struct CommandArgument {
  std::string name;
  /// string integer double key pattern unix-time pure-token oneof block
  std::string type;
  /// Word that stands in front of the value, or is the whole argument (pure-token). `has_token` tells "" from none.
  std::string token;
  bool has_token = false;
  std::string since;
  /// Which key specification of the row the key belongs to; -1: the argument is no key.
  int key_spec_index = -1;
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  ///< the token is repeated as well
  std::vector<CommandArgument> arguments;  ///< of oneof and block
};

/// Reads the `syntax` of a row (docs/command-syntax.md). Fails with what is wrong and where.
Result<std::vector<CommandArgument>> parse_command_syntax(std::string_view text);

/// The arguments as people write them: `<key> [EX <seconds> | PX <milliseconds>] [<member> ...]`.
std::string describe_arguments(std::vector<CommandArgument> const& arguments);

}  // namespace holdfast
