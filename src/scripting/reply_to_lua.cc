#include "scripting/reply_to_lua.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/check.h"

namespace holdfast::scripting {
namespace {

int64_t number_of(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// {name = value on the top} in the place of the value.
void wrap(lua_State* state, char const* name) {
  lua_createtable(state, 0, 1);
  lua_insert(state, -2);
  lua_setfield(state, -2, name);
}

void push_verbatim(lua_State* state, std::string_view content) {
  constexpr size_t kFormatBytes = 3;
  lua_createtable(state, 0, 2);
  push(state, content.substr(kFormatBytes + 1));
  lua_setfield(state, -2, "string");
  push(state, content.substr(0, kFormatBytes));
  lua_setfield(state, -2, "format");
  wrap(state, "verbatim_string");
}

std::string_view push_elements(lua_State* state, char type, int64_t count, std::string_view rest) {
  lua_createtable(state, type == '%' || type == '~' ? 0 : static_cast<int>(count), 0);
  for (int64_t i = 1; i <= count; i++) {
    rest = push_reply(state, rest);
    if (type == '%') {
      rest = push_reply(state, rest);
      lua_rawset(state, -3);
    } else if (type == '~') {
      lua_pushboolean(state, 1);
      lua_rawset(state, -3);
    } else {
      lua_rawseti(state, -2, static_cast<int>(i));
    }
  }
  if (type == '%') wrap(state, "map");
  if (type == '~') wrap(state, "set");
  return rest;
}

}  // namespace

void push_error(lua_State* state, std::string_view text, bool counted) {
  lua_createtable(state, 0, 2);
  push(state, text);
  lua_setfield(state, -2, "err");
  if (!counted) return;
  lua_pushboolean(state, 1);
  lua_setfield(state, -2, "ignore_error_stats_update");
}

std::string_view push_reply(lua_State* state, std::string_view bytes) {
  constexpr int kSlotsPerLevel = 8;
  CHECK(lua_checkstack(state, kSlotsPerLevel));  // replies nest a few levels
  size_t const end = bytes.find("\r\n");
  CHECK(end != std::string_view::npos && end > 0);
  std::string_view const line = bytes.substr(1, end - 1);
  std::string_view rest = bytes.substr(end + 2);
  char const type = bytes[0];
  switch (type) {
    case ':': lua_pushnumber(state, static_cast<lua_Number>(number_of(line))); return rest;
    case '+':
      push(state, line);
      wrap(state, "ok");
      return rest;
    case '-': push_error(state, line, true); return rest;
    case '_': lua_pushnil(state); return rest;
    case '#': lua_pushboolean(state, line == "t"); return rest;
    case ',':
      lua_pushnumber(state, std::strtod(std::string(line).c_str(), nullptr));
      wrap(state, "double");
      return rest;
    case '(':
      push(state, line);
      wrap(state, "big_number");
      return rest;
    default: break;
  }
  int64_t const count = number_of(line);
  if (count < 0) {
    lua_pushboolean(state, 0);
    return rest;
  }
  if (type == '$' || type == '=') {
    std::string_view const content = rest.substr(0, static_cast<size_t>(count));
    type == '$' ? push(state, content) : push_verbatim(state, content);
    return rest.substr(content.size() + 2);
  }
  if (type == '|') {  // an attribute: nothing of it comes to scripts
    for (int64_t i = 0; i < 2 * count; i++) {
      rest = push_reply(state, rest);
      lua_pop(state, 1);
    }
    return push_reply(state, rest);
  }
  return push_elements(state, type, count, rest);
}

}  // namespace holdfast::scripting
