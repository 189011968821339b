#include "command/args.h"

#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"

namespace holdfast {

size_t Args::bytes() const {
  size_t bytes = 0;
  for (std::string_view const word : span()) bytes += word.size();
  return bytes;
}

bool Args::is(size_t index, std::string_view word) const { return iequals((*this)[index], word); }

std::optional<int64_t> Args::integer(size_t index, Reply& reply, std::string_view error) const {
  std::optional<int64_t> value = parse_int64((*this)[index]);
  if (!value) reply.error(error.empty() ? errors::kNotInteger : error);
  return value;
}

}  // namespace holdfast
