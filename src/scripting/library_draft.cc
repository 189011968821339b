#include "scripting/library_draft.h"

#include <algorithm>

#include "scripting/interpreter.h"
#include "scripting/reply_to_lua.h"
#include "scripting/shebang.h"

namespace holdfast::scripting {
namespace {

/// Of the table on the top, which is popped when all is well.
char const* read_flags(lua_State* state, LibraryDraft::Function& function) {
  if (!lua_istable(state, -1)) return "flags argument to redis.register_function must be a table representing function flags";
  for (int i = 1;; i++) {
    lua_rawgeti(state, -1, i);
    if (lua_isnil(state, -1)) break;
    std::optional<ScriptFlag> flag;
    if (lua_isstring(state, -1)) flag = script_flag(text_at(state, -1));
    lua_pop(state, 1);
    if (!flag) return "unknown flag given";
    function.flags |= *flag;
  }
  lua_pop(state, 2);
  return nullptr;
}

/// Reads redis.register_function{...}; leaves the callback on the top. Returns what is wrong, or null.
char const* read_named(lua_State* state, LibraryDraft::Function& function) {
  bool named = false;
  int callback = LUA_NOREF;
  lua_settop(state, 1);
  lua_pushnil(state);  // the callback, when it is found
  lua_pushnil(state);
  while (lua_next(state, 1)) {
    std::string_view const key = lua_type(state, -2) == LUA_TSTRING ? text_at(state, -2) : std::string_view();
    if (key == "function_name") {
      if (!lua_isstring(state, -1)) {
        return "function_name argument given to redis.register_function must be a string";
      }
      function.name = text_at(state, -1);
      named = true;
    } else if (key == "description") {
      if (!lua_isstring(state, -1)) {
        return "description argument given to redis.register_function must be a string";
      }
      function.description = text_at(state, -1);
    } else if (key == "callback") {
      if (!lua_isfunction(state, -1)) {
        return "callback argument given to redis.register_function must be a function";
      }
      callback = 2;
      lua_pushvalue(state, -1);
      lua_replace(state, callback);
    } else if (key == "flags") {
      lua_pushvalue(state, -1);
      if (char const* wrong = read_flags(state, function)) return wrong;
    } else {
      return "unknown argument given to redis.register_function";
    }
    lua_pop(state, 1);
  }
  if (!named) return "redis.register_function must get a function name argument";
  if (callback == LUA_NOREF) return "redis.register_function must get a callback argument";
  return nullptr;
}

char const* read(lua_State* state, LibraryDraft::Function& function) {
  int const count = lua_gettop(state);
  if (count < 1 || count > 2) return "wrong number of arguments to redis.register_function";
  if (count == 1) {
    if (lua_istable(state, 1)) return read_named(state, function);
    return "calling redis.register_function with a single argument is only applicable to Lua table (representing named "
           "arguments).";
  }
  if (!lua_isstring(state, 1)) return "first argument to redis.register_function must be a string";
  if (!lua_isfunction(state, 2)) return "second argument to redis.register_function must be a function";
  function.name = text_at(state, 1);
  return nullptr;
}

}  // namespace

bool LibraryDraft::has(std::string_view name) const {
  return std::any_of(functions_.begin(), functions_.end(), [&](Function const& each) { return each.name == name; });
}

int register_function(lua_State* state) {
  auto refuse = [state](std::string_view text) {
    push_error(state, "ERR " + std::string(text), false);
    return kRaise;
  };
  LibraryDraft* draft = Interpreter::of(state).draft();
  if (!draft) return refuse("redis.register_function can only be called on FUNCTION LOAD command");
  LibraryDraft::Function function;
  if (char const* wrong = read(state, function)) return refuse(wrong);
  if (!valid_function_name(function.name)) return refuse(kInvalidFunctionName);
  if (draft->has(function.name)) return refuse("Function already exists in the library");
  lua_pushvalue(state, 2);
  function.reference = luaL_ref(state, LUA_REGISTRYINDEX);
  draft->functions().push_back(std::move(function));
  return 0;
}

}  // namespace holdfast::scripting
