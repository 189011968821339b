#pragma once

#include <optional>

namespace holdfast::tools {

/// The only argument is --help or --version: says it on standard output. Returns the exit code then.
std::optional<int> answer_about_program(char const* name, char const* usage, int argc, char** argv);

}  // namespace holdfast::tools
