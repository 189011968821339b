#pragma once

#include "resp/reply.h"
#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// Writes the value on the top as a reply and pops it. `script_protocol`: what redis.setresp has said. Raises nothing.
/// True: it is an error that was counted where it happened.
bool write_value(lua_State* state, Reply& reply, int script_protocol);

/// The double as the processor truncates it: what does not fit becomes the smallest integer.
int64_t truncated(lua_Number number);

}  // namespace holdfast::scripting
