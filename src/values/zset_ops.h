#pragma once

#include "values/type_ops.h"

namespace holdfast {

/// Sorted sets.
TypeOps const& zset_ops();

}  // namespace holdfast
