#pragma once

#include <string>

#include "base/result.h"

namespace holdfast::tools {

/// Fails for what exists and is no regular file: opening a pipe would wait, a device may have no end.
Status refuse_special_file(std::string const& path);

}  // namespace holdfast::tools
