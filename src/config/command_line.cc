#include "config/command_line.h"

#include <algorithm>
#include <span>

#include "base/args.h"
#include "base/strings.h"

namespace holdfast::config {
namespace {

bool is_option(std::string_view argument) { return argument.starts_with("--"); }

std::vector<std::string> option_lines(std::span<std::string const> arguments) {
  std::vector<std::string> lines;
  bool complete = true;  // the last line has a value
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string const& argument = arguments[i];
    if (complete && is_option(argument)) {
      lines.push_back(argument.substr(2));
      // "--save 60 1" as one argument has its values already.
      auto const words = split_args(argument);
      complete = !words || words->size() != 1;
      bool const stands_alone = i + 1 == arguments.size() || is_option(arguments[i + 1]);
      if (stands_alone && iequals(argument, "--save")) {
        lines.back() += " \"\"";
        complete = true;
      } else if (stands_alone && iequals(argument, "--sentinel")) {
        lines.back().clear();
        complete = true;
      }
      continue;
    }
    if (lines.empty()) lines.emplace_back();
    if (!lines.back().empty()) lines.back().push_back(' ');
    append_quoted(lines.back(), argument);
    complete = true;
  }
  return lines;
}

bool is_sentinel_program(std::string_view program) {
  return program.find("redis-sentinel") != std::string_view::npos ||
         program.find("holdfast-sentinel") != std::string_view::npos;
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> const& arguments) {
  CommandLine line;
  if (arguments.empty()) return line;
  std::span<std::string const> rest(arguments);
  line.sentinel_mode = is_sentinel_program(rest.front()) || std::ranges::find(rest, "--sentinel") != rest.end();
  rest = rest.subspan(1);
  if (!rest.empty() && rest.front() == "-") {
    line.reads_stdin = true;
    rest = rest.subspan(1);
  } else if (!rest.empty() && !rest.front().starts_with('-')) {
    line.config_file = rest.front();
    rest = rest.subspan(1);
  }
  if (!rest.empty() && rest.back() == "-") {
    line.reads_stdin = true;
    rest = rest.first(rest.size() - 1);
  }
  line.option_lines = option_lines(rest);
  return line;
}

}  // namespace holdfast::config
