#pragma once

#include <string>

#include "base/random.h"

namespace holdfast {

/// A fortress on a hill, another one each time; lines that end in "\n".
std::string draw_fortress(Random& random);

}  // namespace holdfast
