#pragma once

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// Pushes the table `struct`: pack, unpack, size. As a Lua library opener, returns 1.
///
/// A format is a row of items, each of which may be followed by a number: `<` `>` byte order, `!n` alignment, blank;
/// `b B h H l L i I T f d` numbers (`in In` of n bytes), `x` a filler byte, `s` text that ends with a NUL, `cn` n characters
/// (`c0`: as long as the text, or as the number unpacked before it).
int open_packed_struct(lua_State* state);

}  // namespace holdfast::scripting
