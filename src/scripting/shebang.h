#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::scripting {

/// What a script or function says of itself.
enum ScriptFlag : uint32_t {
  kNoWrites = 1u << 0,
  kAllowOom = 1u << 1,
  kAllowStale = 1u << 2,
  kNoCluster = 1u << 3,
  kAllowCrossSlotKeys = 1u << 4,
};

struct ScriptFlagName {
  ScriptFlag flag;
  std::string_view name;
};
inline constexpr ScriptFlagName kScriptFlagNames[] = {{kNoWrites, "no-writes"},
                                                      {kAllowOom, "allow-oom"},
                                                      {kAllowStale, "allow-stale"},
                                                      {kNoCluster, "no-cluster"},
                                                      {kAllowCrossSlotKeys, "allow-cross-slot-keys"}};

std::optional<ScriptFlag> script_flag(std::string_view name);

/// The first line of a script, "#!lua flags=...", if it has one.
struct ScriptHeader {
  bool present = false;
  uint32_t flags = 0;
  std::string_view code;  ///< for Lua: without that line, but with its end, so that line numbers count from it
};
/// Fails with the text of the error reply.
Result<ScriptHeader> parse_script_header(std::string_view script);

/// The first line of a library, "#!lua name=...".
struct LibraryHeader {
  std::string name;
  std::string_view code;
};
Result<LibraryHeader> parse_library_header(std::string_view library);

/// Of libraries and functions: letters, digits and '_', at least one.
bool valid_function_name(std::string_view name);
inline constexpr std::string_view kInvalidFunctionName =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

}  // namespace holdfast::scripting
