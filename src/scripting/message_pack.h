#pragma once

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// Pushes the table `cmsgpack`: pack, unpack, unpack_one, unpack_limit. As a Lua library opener, returns 1.
/// The format is MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md); which of its forms a value gets, and
/// what is done with values it does not know, is as in Redis.
int open_message_pack(lua_State* state);

}  // namespace holdfast::scripting
