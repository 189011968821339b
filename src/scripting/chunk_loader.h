#pragma once

#include <string_view>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// Compiles source text as `lua_load` does; bytecode, which could do anything, is read as the text that it is not. Returns
/// the code of lua_load.
int load_text(lua_State* state, std::string_view text, char const* chunk_name);

/// Puts load and loadstring, which take text only, into the globals.
void install_loaders(lua_State* state);

}  // namespace holdfast::scripting
