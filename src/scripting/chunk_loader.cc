#include "scripting/chunk_loader.h"

#include <utility>

namespace holdfast::scripting {
namespace {

/// Gives Lua a blank before anything that begins like bytecode, so that it is parsed as text.
class BlankFirst {
 public:
  /// The piece to hand out now; `piece` is to be handed out next when that is not empty.
  std::string_view operator()(std::string_view piece) {
    bool const bytecode = !begun_ && !piece.empty() && piece[0] == LUA_SIGNATURE[0];
    begun_ = begun_ || !piece.empty();
    return bytecode ? std::string_view(" ") : std::string_view();
  }

 private:
  bool begun_ = false;
};

struct TextReader {
  std::string_view rest;
  BlankFirst blank;
};

char const* read_text(lua_State*, void* data, size_t* size) {
  auto& reader = *static_cast<TextReader*>(data);
  std::string_view piece = reader.blank(reader.rest);
  if (piece.empty()) piece = std::exchange(reader.rest, {});
  *size = piece.size();
  return piece.empty() ? nullptr : piece.data();
}

struct FunctionReader {
  BlankFirst blank;
  bool pending = false;  // the piece that was read is at stack index kPieceIndex and not handed out yet
};

constexpr int kPieceIndex = 3;

char const* read_function(lua_State* state, void* data, size_t* size) {
  auto& reader = *static_cast<FunctionReader*>(data);
  if (!reader.pending) {
    luaL_checkstack(state, 2, "too many nested functions");
    lua_pushvalue(state, 1);
    lua_call(state, 0, 1);
    if (lua_isnil(state, -1)) {
      *size = 0;
      return nullptr;
    }
    if (!lua_isstring(state, -1)) luaL_error(state, "reader function must return a string");
    lua_replace(state, kPieceIndex);
  }
  std::string_view piece = text_at(state, kPieceIndex);
  std::string_view blank = reader.pending ? std::string_view() : reader.blank(piece);
  reader.pending = !blank.empty();
  if (!blank.empty()) piece = blank;
  *size = piece.size();
  return piece.data();
}

int loaded(lua_State* state, int code) {
  if (code == 0) return 1;
  lua_pushnil(state);
  lua_insert(state, -2);
  return 2;
}

int base_loadstring(lua_State* state) {
  size_t size;
  char const* text = luaL_checklstring(state, 1, &size);
  char const* name = luaL_optstring(state, 2, text);
  return loaded(state, load_text(state, {text, size}, name));
}

int base_load(lua_State* state) {
  char const* name = luaL_optstring(state, 2, "=(load)");
  luaL_checktype(state, 1, LUA_TFUNCTION);
  lua_settop(state, kPieceIndex);
  FunctionReader reader;
  return loaded(state, lua_load(state, &read_function, &reader, name));
}

}  // namespace

int load_text(lua_State* state, std::string_view text, char const* chunk_name) {
  TextReader reader{text, {}};
  return lua_load(state, &read_text, &reader, chunk_name);
}

void install_loaders(lua_State* state) {
  lua_register(state, "loadstring", &base_loadstring);
  lua_register(state, "load", &base_load);
}

}  // namespace holdfast::scripting
