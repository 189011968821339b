#pragma once

#include <string>
#include <utility>
#include <vector>

#include "structures/packed_list.h"

namespace holdfast {

/// Fields and values, in their order.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The packed list of a hash that holds them.
inline std::string packed_of(Pairs const& pairs) {
  PackedListBuilder builder;
  for (auto const& [field, value] : pairs) {
    builder.append(field);
    builder.append(value);
  }
  return builder.finish();
}

}  // namespace holdfast
