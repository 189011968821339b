#include "scripting/lua_to_reply.h"

#include <algorithm>
#include <limits>
#include <string>

namespace holdfast::scripting {
namespace {

/// Texts of one line cannot hold line ends.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\r', ' ');
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

bool push_typed_field(lua_State* state, char const* name, int type) {
  push_field(state, -1, name);
  if (lua_type(state, -1) == type) return true;
  lua_pop(state, 1);
  return false;
}

bool write_verbatim(lua_State* state, Reply& reply) {
  if (!push_typed_field(state, "verbatim_string", LUA_TTABLE)) return false;
  bool written = false;
  if (push_typed_field(state, "format", LUA_TSTRING)) {
    std::string format(text_at(state, -1).substr(0, 3));
    format.resize(3, ' ');
    lua_pop(state, 1);
    if (push_typed_field(state, "string", LUA_TSTRING)) {
      reply.verbatim(format, text_at(state, -1));
      lua_pop(state, 1);
      written = true;
    }
  }
  lua_pop(state, 1);
  return written;
}

bool write_keyed(lua_State* state, Reply& reply, int script_protocol, char const* name, bool with_values) {
  if (!push_typed_field(state, name, LUA_TTABLE)) return false;
  size_t const mark = reply.begin_deferred();
  size_t count = 0;
  lua_pushnil(state);
  while (lua_next(state, -2)) {
    if (with_values) {
      lua_pushvalue(state, -2);
      write_value(state, reply, script_protocol);
      write_value(state, reply, script_protocol);
    } else {
      lua_pop(state, 1);
      lua_pushvalue(state, -1);
      write_value(state, reply, script_protocol);
    }
    count++;
  }
  with_values ? reply.end_deferred_map(mark, count) : reply.end_deferred_set(mark, count);
  lua_pop(state, 1);
  return true;
}

bool write_error(lua_State* state, Reply& reply) {
  std::string const text = "-" + std::string(text_at(state, -1));
  lua_pop(state, 1);
  push_field(state, -1, "ignore_error_stats_update");
  bool const counted = lua_toboolean(state, -1);
  lua_pop(state, 1);
  if (counted) {
    reply.raw(one_line(text) + "\r\n");
  } else {
    reply.error(text);
  }
  return counted;
}

/// Returns whether it was an error that is counted.
bool write_table(lua_State* state, Reply& reply, int script_protocol) {
  if (push_typed_field(state, "err", LUA_TSTRING)) return write_error(state, reply);
  if (push_typed_field(state, "ok", LUA_TSTRING)) {
    reply.status(one_line(text_at(state, -1)));
    lua_pop(state, 1);
    return false;
  }
  if (push_typed_field(state, "double", LUA_TNUMBER)) {
    reply.number(lua_tonumber(state, -1));
    lua_pop(state, 1);
    return false;
  }
  if (push_typed_field(state, "big_number", LUA_TSTRING)) {
    reply.big_number(one_line(text_at(state, -1)));
    lua_pop(state, 1);
    return false;
  }
  if (write_verbatim(state, reply) || write_keyed(state, reply, script_protocol, "map", true) ||
      write_keyed(state, reply, script_protocol, "set", false)) {
    return false;
  }
  size_t const mark = reply.begin_deferred();
  size_t count = 0;
  for (int i = 1;; i++) {
    lua_rawgeti(state, -1, i);
    if (lua_isnil(state, -1)) break;
    write_value(state, reply, script_protocol);
    count++;
  }
  lua_pop(state, 1);
  reply.end_deferred_array(mark, count);
  return false;
}

}  // namespace

int64_t truncated(lua_Number number) {
  constexpr lua_Number kLimit = 9223372036854775808.0;
  if (!(number > -kLimit && number < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(number);
}

bool write_value(lua_State* state, Reply& reply, int script_protocol) {
  constexpr int kSlotsPerLevel = 4;
  bool counted = false;
  switch (lua_type(state, -1)) {
    case LUA_TSTRING: reply.bulk(text_at(state, -1)); break;
    case LUA_TNUMBER: reply.integer(truncated(lua_tonumber(state, -1))); break;
    case LUA_TBOOLEAN:
      if (script_protocol == 3) {
        reply.boolean(lua_toboolean(state, -1));
      } else if (lua_toboolean(state, -1)) {
        reply.integer(1);
      } else {
        reply.null();
      }
      break;
    case LUA_TTABLE:
      if (lua_checkstack(state, kSlotsPerLevel)) {
        counted = write_table(state, reply, script_protocol);
      } else {
        reply.error("reached lua stack limit");
      }
      break;
    default: reply.null();
  }
  lua_pop(state, 1);
  return counted;
}

}  // namespace holdfast::scripting
