#include "commands/database_index.h"

#include <limits>

#include "command/errors.h"

namespace holdfast {

std::optional<int> database_argument(Args args, size_t index, int databases, Reply& reply) {
  std::optional<int64_t> value = args.integer(index, reply);
  if (!value) return std::nullopt;
  if (*value < std::numeric_limits<int>::min() || *value > std::numeric_limits<int>::max()) {
    reply.error("value is out of range, value must between -2147483648 and 2147483647");
    return std::nullopt;
  }
  if (*value < 0 || *value >= databases) {
    reply.error(errors::kDbIndexOutOfRange);
    return std::nullopt;
  }
  return static_cast<int>(*value);
}

}  // namespace holdfast
