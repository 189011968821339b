#pragma once

#include <cstdint>

#include "scripting/lua_value.h"
#include "scripting/script_random.h"

namespace holdfast::scripting {

/// Whose globals a state has.
enum class SandboxKind : uint8_t {
  kScripts,    ///< of EVAL: all of redis.*, KEYS and ARGV
  kFunctions,  ///< of called functions, without the oldest part of redis.*; a second set for the code of a library
};

/// Fills a new state with libraries and the redis table, all protected: scripts can make and change no global. `random`
/// outlives the state.
void build_sandbox(lua_State* state, SandboxKind kind, ScriptRandom& random);

/// Stores the value on the top as a global, past the protection; pops it.
void set_global(lua_State* state, char const* name);

/// Of a kFunctions state: while `loading`, the only global is `redis`, with what a library may use while it is loaded.
void show_library_globals(lua_State* state, bool loading);

}  // namespace holdfast::scripting
