#pragma once

#include "values/type_ops.h"

namespace holdfast {

/// Strings.
TypeOps const& string_ops();

}  // namespace holdfast
