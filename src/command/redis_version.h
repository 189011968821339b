#pragma once

#include <string_view>

namespace holdfast {

/// The version of Redis that clients may take this server for: they decide by it which commands they use.
inline constexpr std::string_view kRedisVersion = "7.2.4";

}  // namespace holdfast
