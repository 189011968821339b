#include "scripting/protected_table.h"

namespace holdfast::scripting {
namespace {

/// In the metatable of a protected table, under this address as the key, is the real one.
char const kRealKey = 0;

void push_key(lua_State* state) { lua_pushlightuserdata(state, const_cast<char*>(&kRealKey)); }

int refuse_assignment(lua_State* state) {
  // Where the assignment stands in the script is part of the message.
  return luaL_error(state, "Attempt to modify a readonly table");
}

int base_getmetatable(lua_State* state) {
  luaL_checkany(state, 1);
  if (push_protected(state, 1) || !lua_getmetatable(state, 1)) {
    lua_pushnil(state);
    return 1;
  }
  lua_pushliteral(state, "__metatable");
  lua_rawget(state, -2);
  if (lua_isnil(state, -1)) lua_pop(state, 1);
  return 1;
}

int base_setmetatable(lua_State* state) {
  int const type = lua_type(state, 2);
  luaL_checktype(state, 1, LUA_TTABLE);
  luaL_argcheck(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  if (push_protected(state, 1)) return finish(state, refuse_change(state));
  if (luaL_getmetafield(state, 1, "__metatable")) return luaL_error(state, "cannot change a protected metatable");
  lua_settop(state, 2);
  lua_setmetatable(state, 1);
  return 1;
}

int base_rawget(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  luaL_checkany(state, 2);
  lua_settop(state, 2);
  if (push_protected(state, 1)) lua_replace(state, 1);
  lua_rawget(state, 1);
  return 1;
}

int base_rawset(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  luaL_checkany(state, 2);
  luaL_checkany(state, 3);
  lua_settop(state, 3);
  if (push_protected(state, 1)) return finish(state, refuse_change(state));
  lua_rawset(state, 1);
  return 1;
}

int base_next(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_settop(state, 2);
  if (push_protected(state, 1)) lua_replace(state, 1);
  if (lua_next(state, 1)) return 2;
  lua_pushnil(state);
  return 1;
}

int base_pairs(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_pushvalue(state, 1);
  lua_pushnil(state);
  return 3;
}

int table_insert(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  if (push_protected(state, 1)) return finish(state, refuse_change(state));
  int end = static_cast<int>(lua_objlen(state, 1)) + 1;
  int at = end;
  switch (lua_gettop(state)) {
    case 2: break;
    case 3:
      at = luaL_checkint(state, 2);
      if (at > end) end = at;
      for (int i = end; i > at; i--) {
        lua_rawgeti(state, 1, i - 1);
        lua_rawseti(state, 1, i);
      }
      break;
    default: return luaL_error(state, "wrong number of arguments to 'insert'");
  }
  lua_rawseti(state, 1, at);
  return 0;
}

}  // namespace

bool push_protected(lua_State* state, int index) {
  if (!lua_getmetatable(state, index)) return false;
  push_key(state);
  lua_rawget(state, -2);
  lua_remove(state, -2);
  if (lua_istable(state, -1)) return true;
  lua_pop(state, 1);
  return false;
}

int refuse_change(lua_State* state) {
  lua_pushliteral(state, "Attempt to modify a readonly table");
  return kRaise;
}

void protect_table(lua_State* state) {
  lua_newtable(state);       // real, front
  lua_createtable(state, 0, 4);
  push_key(state);
  lua_pushvalue(state, -4);
  lua_rawset(state, -3);
  lua_pushvalue(state, -3);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, &refuse_assignment);
  lua_setfield(state, -2, "__newindex");
  lua_setmetatable(state, -2);
  lua_remove(state, -2);
}

void install_protection(lua_State* state) {
  lua_register(state, "getmetatable", &base_getmetatable);
  lua_register(state, "setmetatable", &base_setmetatable);
  lua_register(state, "rawget", &base_rawget);
  lua_register(state, "rawset", &base_rawset);
  lua_pushcfunction(state, &base_next);
  lua_pushvalue(state, -1);
  lua_setglobal(state, "next");
  lua_pushcclosure(state, &base_pairs, 1);
  lua_setglobal(state, "pairs");
  lua_getglobal(state, "table");
  lua_pushcfunction(state, &table_insert);
  lua_setfield(state, -2, "insert");
  lua_pop(state, 1);
}

}  // namespace holdfast::scripting
