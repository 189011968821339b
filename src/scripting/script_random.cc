#include "scripting/script_random.h"

#include <cmath>
#include <limits>

namespace holdfast::scripting {
namespace {

ScriptRandom& random_of(lua_State* state) {
  return *static_cast<ScriptRandom*>(lua_touserdata(state, lua_upvalueindex(1)));
}

int math_random(lua_State* state) {
  constexpr uint32_t kMax = std::numeric_limits<int32_t>::max();
  lua_Number const unit = static_cast<lua_Number>(random_of(state).next() % kMax) / static_cast<lua_Number>(kMax);
  switch (lua_gettop(state)) {
    case 0: lua_pushnumber(state, unit); break;
    case 1: {
      int const high = luaL_checkint(state, 1);
      luaL_argcheck(state, 1 <= high, 1, "interval is empty");
      lua_pushnumber(state, std::floor(unit * high) + 1);
      break;
    }
    case 2: {
      int const low = luaL_checkint(state, 1);
      int const high = luaL_checkint(state, 2);
      luaL_argcheck(state, low <= high, 2, "interval is empty");
      lua_pushnumber(state, std::floor(unit * (static_cast<lua_Number>(high) - low + 1)) + low);
      break;
    }
    default: return luaL_error(state, "wrong number of arguments");
  }
  return 1;
}

int math_randomseed(lua_State* state) {
  random_of(state).seed(luaL_checkint(state, 1));
  return 0;
}

}  // namespace

void install_random(lua_State* state, ScriptRandom& random) {
  lua_getglobal(state, "math");
  lua_pushlightuserdata(state, &random);
  lua_pushcclosure(state, &math_random, 1);
  lua_setfield(state, -2, "random");
  lua_pushlightuserdata(state, &random);
  lua_pushcclosure(state, &math_randomseed, 1);
  lua_setfield(state, -2, "randomseed");
  lua_pop(state, 1);
}

}  // namespace holdfast::scripting
