#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

/// What the arguments of the server say. Knows no directive but the two that may stand without a value.
struct CommandLine {
  /// As written; empty without one.
  std::string config_file;
  /// `-` was the first or the last argument: more configuration comes from standard input.
  bool reads_stdin = false;
  /// --sentinel, or a program name with redis-sentinel or holdfast-sentinel in it.
  bool sentinel_mode = false;
  /// The options as lines of a configuration file.
  std::vector<std::string> option_lines;
};

/// `arguments[0]` is the program. A word starts a directive if it begins with `--` and the directive before it has a
/// value; everything else is a value and is quoted. Never fails: mistakes show when the lines are read.
CommandLine parse_command_line(std::vector<std::string> const& arguments);

}  // namespace holdfast::config
