#pragma once

#include "values/type_ops.h"

namespace holdfast {

TypeOps const& list_ops();

}  // namespace holdfast
