#pragma once

#include <vector>

#include "command/command_row.h"

namespace holdfast {

/// The rows of every family of this folder.
std::vector<CommandRows> admin_families();

}  // namespace holdfast
