#pragma once

#include <optional>
#include <string_view>

#include "command/args.h"

namespace holdfast {

/// The database that argument `index` names: replies what is wrong with it.
std::optional<int> database_argument(Args args, size_t index, int databases, Reply& reply);

}  // namespace holdfast
