#pragma once

#include <cstdint>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

enum class RedisTable : uint8_t {
  kScripts,    ///< everything
  kFunctions,  ///< without replicate_commands, breakpoint and debug
  kLibraries,  ///< register_function, log and constants
};

/// Pushes the table `redis`. Its functions find what they work for by Interpreter::of.
void push_redis_table(lua_State* state, RedisTable kind);

}  // namespace holdfast::scripting
