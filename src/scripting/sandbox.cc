#include "scripting/sandbox.h"

extern "C" {
#include <lua5.1/lua-bitop.h>
#include <lua5.1/lua-cjson.h>
}

#include "scripting/chunk_loader.h"
#include "scripting/message_pack.h"
#include "scripting/packed_struct.h"
#include "scripting/protected_table.h"
#include "scripting/redis_api.h"

namespace holdfast::scripting {
namespace {

/// In the registry: the real globals, and those of libraries that are being loaded.
constexpr char kGlobals[] = "holdfast.globals";
constexpr char kLibraryGlobals[] = "holdfast.library_globals";

constexpr char const* kRemoved[] = {"print", "dofile", "loadfile", "newproxy", "getfenv", "setfenv"};
constexpr char const* kLibraries[] = {"string", "table", "math", "coroutine", "bit", "cjson", "cmsgpack", "struct"};

void open(lua_State* state, lua_CFunction library, char const* name) {
  lua_pushcfunction(state, library);
  lua_pushstring(state, name);
  lua_call(state, 1, 1);
  if (*name && lua_istable(state, -1)) {
    lua_setglobal(state, name);
  } else {
    lua_pop(state, 1);
  }
}

void open_libraries(lua_State* state) {
  open(state, &luaopen_base, "");
  open(state, &luaopen_table, LUA_TABLIBNAME);
  open(state, &luaopen_string, LUA_STRLIBNAME);
  open(state, &luaopen_math, LUA_MATHLIBNAME);
  open(state, &luaopen_bit, "bit");
  open(state, &luaopen_cjson, "cjson");
  open(state, &open_message_pack, "cmsgpack");
  open(state, &open_packed_struct, "struct");
  for (char const* name : kRemoved) {
    lua_pushnil(state);
    lua_setglobal(state, name);
  }
}

/// What a script catches of redis.call is the text of the error.
int base_pcall(lua_State* state) {
  luaL_checkany(state, 1);
  int const code = lua_pcall(state, lua_gettop(state) - 1, LUA_MULTRET, 0);
  if (code != 0 && lua_istable(state, -1)) {
    push_field(state, -1, "err");
    if (lua_isstring(state, -1)) {
      lua_replace(state, -2);
    } else {
      lua_pop(state, 1);
    }
  }
  lua_pushboolean(state, code == 0);
  lua_insert(state, 1);
  return lua_gettop(state);
}

int refuse_unknown(lua_State* state) {
  lua_pushvalue(state, 2);
  return luaL_error(state, "Script attempted to access nonexistent global variable '%s'",
                    lua_isstring(state, -1) ? lua_tostring(state, -1) : luaL_typename(state, -1));
}

/// Of the table on the top: what is not in it raises an error when it is read.
void refuse_what_is_missing(lua_State* state) {
  lua_createtable(state, 0, 1);
  lua_pushcfunction(state, &refuse_unknown);
  lua_setfield(state, -2, "__index");
  lua_setmetatable(state, -2);
}

void protect_string_methods(lua_State* state) {
  lua_pushliteral(state, "");
  lua_getmetatable(state, -1);
  lua_newtable(state);  // what getmetatable("") shows
  lua_getglobal(state, "string");
  lua_setfield(state, -2, "__index");
  protect_table(state);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 2);
}

void build_library_globals(lua_State* state) {
  lua_newtable(state);
  push_redis_table(state, RedisTable::kLibraries);
  refuse_what_is_missing(state);
  protect_table(state);
  lua_setfield(state, -2, "redis");
  refuse_what_is_missing(state);
  lua_setfield(state, LUA_REGISTRYINDEX, kLibraryGlobals);
}

}  // namespace

void build_sandbox(lua_State* state, SandboxKind kind, ScriptRandom& random) {
  open_libraries(state);
  install_loaders(state);
  install_random(state, random);
  install_protection(state);
  lua_register(state, "pcall", &base_pcall);
  push_redis_table(state, kind == SandboxKind::kScripts ? RedisTable::kScripts : RedisTable::kFunctions);
  protect_table(state);
  lua_setglobal(state, "redis");
  for (char const* name : kLibraries) {
    lua_getglobal(state, name);
    protect_table(state);
    lua_setglobal(state, name);
  }
  protect_string_methods(state);
  if (kind == SandboxKind::kFunctions) build_library_globals(state);

  lua_pushvalue(state, LUA_GLOBALSINDEX);
  lua_pushvalue(state, -1);
  lua_setfield(state, LUA_REGISTRYINDEX, kGlobals);
  refuse_what_is_missing(state);
  lua_pushvalue(state, -1);
  protect_table(state);
  lua_pushvalue(state, -1);
  lua_setfield(state, -3, "_G");
  lua_replace(state, LUA_GLOBALSINDEX);
  lua_pop(state, 1);
}

void set_global(lua_State* state, char const* name) {
  lua_getfield(state, LUA_REGISTRYINDEX, kGlobals);
  lua_insert(state, -2);
  lua_setfield(state, -2, name);
  lua_pop(state, 1);
}

void show_library_globals(lua_State* state, bool loading) {
  lua_getmetatable(state, LUA_GLOBALSINDEX);
  lua_getfield(state, LUA_REGISTRYINDEX, loading ? kLibraryGlobals : kGlobals);
  lua_setfield(state, -2, "__index");
  lua_pop(state, 1);
}

}  // namespace holdfast::scripting
