#pragma once

#include <vector>

#include "command/command_row.h"

namespace holdfast::scripting {

/// The tables of all commands of this folder.
std::vector<CommandRows> families();

}  // namespace holdfast::scripting
