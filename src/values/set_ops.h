#pragma once

#include "values/type_ops.h"

namespace holdfast {

TypeOps const& set_ops();

}  // namespace holdfast
