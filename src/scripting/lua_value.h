#pragma once

#include <lua5.1/lua.hpp>

#include <string_view>

// Lua is C: an error leaves by longjmp, past every destructor. Hence the rule of this folder: a function that is called from
// Lua keeps no object with a destructor alive when it raises. It does its work in a function that returns the number of
// results, or kRaise with the error value on the top of the stack, and ends with `return finish(state, results)`.

namespace holdfast::scripting {

inline constexpr int kRaise = -1;

inline int finish(lua_State* state, int results) { return results == kRaise ? lua_error(state) : results; }

inline void push(lua_State* state, std::string_view text) { lua_pushlstring(state, text.data(), text.size()); }

/// Of a value that is a string (a number is converted in its place).
inline std::string_view text_at(lua_State* state, int index) {
  size_t size = 0;
  char const* text = lua_tolstring(state, index, &size);
  return {text, size};
}

/// The field of the table at `index` that is set without metatables; pushed.
inline void push_field(lua_State* state, int index, char const* name) {
  if (index < 0 && index > LUA_REGISTRYINDEX) index = lua_gettop(state) + index + 1;
  lua_pushstring(state, name);
  lua_rawget(state, index);
}

}  // namespace holdfast::scripting
