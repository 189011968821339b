#include "commands/expiry_time.h"

#include <limits>
#include <string>

#include "base/number.h"
#include "command/errors.h"

namespace holdfast {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

std::optional<int64_t> read_expiry(std::string_view text, TimeForm form, int64_t now_ms, std::string_view command,
                                   bool positive, Reply& reply) {
  std::optional<int64_t> value = parse_int64(text);
  if (!value) {
    reply.error(errors::kNotInteger);
    return std::nullopt;
  }
  bool valid = !positive || *value > 0;
  if (valid && form.unit == TimeUnit::kSeconds) {
    valid = *value <= kMax / 1000 && *value >= kMin / 1000;
    if (valid) *value *= 1000;
  }
  if (valid && !form.absolute) {
    valid = *value <= kMax - now_ms;
    if (valid) *value += now_ms;
  }
  if (!valid) {
    reply.error("invalid expire time in '" + std::string(command) + "' command");
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<int64_t> read_positive_expiry(std::string_view text, TimeForm form, int64_t now_ms,
                                            std::string_view command, Reply& reply) {
  return read_expiry(text, form, now_ms, command, true, reply);
}

std::optional<int64_t> read_any_expiry(std::string_view text, TimeForm form, int64_t now_ms, std::string_view command,
                                       Reply& reply) {
  return read_expiry(text, form, now_ms, command, false, reply);
}

}  // namespace holdfast
