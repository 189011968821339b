#pragma once

#include <string_view>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// Pushes the value of the reply at the beginning of `bytes`, a well-formed reply of ours, and returns what is behind it.
/// Errors are tables with `err` (without '-').
std::string_view push_reply(lua_State* state, std::string_view bytes);

/// Pushes {err = text}, as redis.pcall returns it. `counted`: the error is in the statistics already.
void push_error(lua_State* state, std::string_view text, bool counted);

}  // namespace holdfast::scripting
