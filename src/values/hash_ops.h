#pragma once

#include "values/type_ops.h"

namespace holdfast {

TypeOps const& hash_ops();

}  // namespace holdfast
