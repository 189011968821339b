#include "tools/program.h"

#include <cstdio>
#include <string_view>

namespace holdfast::tools {

std::optional<int> answer_about_program(char const* name, char const* usage, int argc, char** argv) {
  std::string_view const only = argc == 2 ? argv[1] : "";
  if (only == "--help" || only == "-h") {
    std::fputs(usage, stdout);
    return 0;
  }
  if (only == "--version" || only == "-v") {
    std::printf("%s %s\n", name, HOLDFAST_VERSION);
    return 0;
  }
  return std::nullopt;
}

}  // namespace holdfast::tools
