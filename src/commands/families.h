#pragma once

#include <vector>

#include "command/command_row.h"

namespace holdfast {

/// The rows of every family of this folder. The container of `memory|usage` is in admin.
std::vector<CommandRows> command_families();

}  // namespace holdfast
