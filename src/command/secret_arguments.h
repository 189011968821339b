#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "command/args.h"

namespace holdfast {

/// What stands for a secret wherever commands are shown (SLOWLOG, MONITOR).
inline constexpr std::string_view kRedacted = "(redacted)";

/// Positions of the arguments that must not be shown, ascending: passwords of AUTH, HELLO, MIGRATE and ACL SETUSER, values
/// of CONFIG SET for directives that are secrets. `full_name` is the command's own name ("config|set"), whatever it was
/// renamed to.
std::vector<size_t> secret_arguments(std::string_view full_name, Args args);

}  // namespace holdfast
