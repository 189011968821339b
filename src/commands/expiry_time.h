#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "resp/reply.h"

namespace holdfast {

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };

/// How the arguments of a command say when a key expires.
struct TimeForm {
  TimeUnit unit = TimeUnit::kSeconds;
  bool absolute = false;  ///< Unix time; else from now on
};

/// The moment (Unix ms) that `text` means, for the SET and GETEX families: it must be positive. On failure replies that
/// it is no integer, or `invalid expire time in '<command>' command`.
std::optional<int64_t> read_positive_expiry(std::string_view text, TimeForm form, int64_t now_ms,
                                            std::string_view command, Reply& reply);
/// The same for the EXPIRE family, where the past is welcome.
std::optional<int64_t> read_any_expiry(std::string_view text, TimeForm form, int64_t now_ms, std::string_view command,
                                       Reply& reply);

}  // namespace holdfast
