#pragma once

#include "values/type_ops.h"

namespace holdfast {

/// Streams.
TypeOps const& stream_ops();

}  // namespace holdfast
