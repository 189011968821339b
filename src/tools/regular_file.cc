#include "tools/regular_file.h"

#include <filesystem>
#include <system_error>

namespace holdfast::tools {

Status refuse_special_file(std::string const& path) {
  std::error_code ignored;
  auto const status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_regular_file(status) || !std::filesystem::exists(status)) return {};
  return fail(path + " is no regular file");
}

}  // namespace holdfast::tools
