#include "scripting/packed_struct.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <limits>

namespace holdfast::scripting {
namespace {

/// Widest integer of `i` and `I`, and greatest alignment, bytes.
constexpr int kIntegerBytesMax = 32;
constexpr int kNativeAlignment = alignof(double);

struct Header {
  bool little = true;
  int alignment = 1;
};

/// One item of a format.
struct Item {
  char code = 0;
  size_t size = 0;
  size_t filling = 0;  ///< bytes before it that align it
};

/// Walks over a format.
class Format {
 public:
  Format(lua_State* state, char const* text) : state_(state), at_(text) {}
  bool at_end() const { return *at_ == '\0'; }
  bool little() const { return header_.little; }

  /// The next item, which begins at byte `position` of the data.
  Item next(size_t position) {
    Item item{.code = *at_++};
    item.size = size_of(item.code);
    item.filling = filling(item, position);
    if (std::strchr(" <>!", item.code)) control(item.code);
    return item;
  }

 private:
  /// The decimal number at the present place, or `otherwise`.
  int number(int otherwise) {
    if (!std::isdigit(static_cast<unsigned char>(*at_))) return otherwise;
    int value = 0;
    do {
      if (value > std::numeric_limits<int>::max() / 10 ||
          value * 10 > std::numeric_limits<int>::max() - (*at_ - '0')) {
        luaL_error(state_, "integral size overflow");
      }
      value = value * 10 + *at_++ - '0';
    } while (std::isdigit(static_cast<unsigned char>(*at_)));
    return value;
  }
  size_t size_of(char code) {
    switch (code) {
      case 'B':
      case 'b': return sizeof(char);
      case 'H':
      case 'h': return sizeof(short);
      case 'L':
      case 'l': return sizeof(long);
      case 'T': return sizeof(size_t);
      case 'f': return sizeof(float);
      case 'd': return sizeof(double);
      case 'x': return 1;
      case 'c': return static_cast<size_t>(number(1));
      case 'i':
      case 'I': {
        int const size = number(sizeof(int));
        if (size > kIntegerBytesMax) luaL_error(state_, "integral size %d is larger than limit of %d", size, kIntegerBytesMax);
        return static_cast<size_t>(size);
      }
      default: return 0;
    }
  }
  size_t filling(Item const& item, size_t position) const {
    auto size = std::min(item.size, static_cast<size_t>(header_.alignment));
    if (size <= 1 || item.code == 'c') return 0;
    return (size - (position & (size - 1))) & (size - 1);
  }
  void control(char code) {
    switch (code) {
      case '>': header_.little = false; return;
      case '<': header_.little = true; return;
      case '!': {
        int const alignment = number(kNativeAlignment);
        if (alignment == 0 || (alignment & (alignment - 1)) != 0) luaL_error(state_, "alignment %d is not a power of 2", alignment);
        header_.alignment = alignment;
        return;
      }
      default: return;
    }
  }

  lua_State* state_;
  char const* at_;
  Header header_;
};

int refuse_format(lua_State* state, char code) {
  return luaL_argerror(state, 1, lua_pushfstring(state, "invalid format option '%c'", code));
}

void add_integer(lua_State* state, luaL_Buffer* buffer, int argument, bool little, size_t size) {
  lua_Number const number = luaL_checknumber(state, argument);
  uint64_t value = number < 0 ? static_cast<uint64_t>(static_cast<int64_t>(number)) : static_cast<uint64_t>(number);
  char bytes[kIntegerBytesMax];
  for (size_t i = 0; i < size; i++) {
    bytes[little ? i : size - 1 - i] = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  luaL_addlstring(buffer, bytes, size);
}

template <class Float>
void add_float(luaL_Buffer* buffer, Float value, bool little) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  if (!little) std::reverse(bytes, bytes + sizeof bytes);
  luaL_addlstring(buffer, bytes, sizeof bytes);
}

int pack_struct(lua_State* state) {
  luaL_Buffer buffer;
  Format format(state, luaL_checkstring(state, 1));
  int argument = 2;
  size_t total = 0;
  lua_pushnil(state);  // so that the buffer's pieces are not taken for arguments
  luaL_buffinit(state, &buffer);
  while (!format.at_end()) {
    Item item = format.next(total);
    total += item.filling;
    for (size_t i = 0; i < item.filling; i++) luaL_addchar(&buffer, '\0');
    switch (item.code) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I': add_integer(state, &buffer, argument++, format.little(), item.size); break;
      case 'x': luaL_addchar(&buffer, '\0'); break;
      case 'f': add_float(&buffer, static_cast<float>(luaL_checknumber(state, argument++)), format.little()); break;
      case 'd': add_float(&buffer, luaL_checknumber(state, argument++), format.little()); break;
      case 'c':
      case 's': {
        size_t length;
        char const* text = luaL_checklstring(state, argument++, &length);
        if (item.size == 0) item.size = length;
        luaL_argcheck(state, length >= item.size, argument, "string too short");
        luaL_addlstring(&buffer, text, item.size);
        if (item.code == 's') {
          luaL_addchar(&buffer, '\0');
          item.size++;
        }
        break;
      }
      case ' ':
      case '<':
      case '>':
      case '!': break;
      default: return refuse_format(state, item.code);
    }
    total += item.size;
  }
  luaL_pushresult(&buffer);
  return 1;
}

lua_Number read_integer(char const* bytes, bool little, bool is_signed, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) {
    value = value << 8 | static_cast<uint8_t>(bytes[little ? size - 1 - i : i]);
  }
  if (!is_signed) return static_cast<lua_Number>(value);
  if (size < sizeof value) {
    uint64_t const beyond = ~uint64_t{0} << (size * 8 - 1);
    if (value & beyond) value |= beyond;
  }
  return static_cast<lua_Number>(static_cast<int64_t>(value));
}

template <class Float>
lua_Number read_float(char const* at, bool little) {
  char bytes[sizeof(Float)];
  std::memcpy(bytes, at, sizeof bytes);
  if (!little) std::reverse(bytes, bytes + sizeof bytes);
  Float value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

int unpack_struct(lua_State* state) {
  Format format(state, luaL_checkstring(state, 1));
  size_t length;
  char const* data = luaL_checklstring(state, 2, &length);
  auto const first = static_cast<size_t>(luaL_optinteger(state, 3, 1));
  luaL_argcheck(state, first >= 1, 3, "offset must be 1 or greater");
  size_t position = first - 1;
  int results = 0;
  lua_settop(state, 2);
  while (!format.at_end()) {
    Item item = format.next(position);
    luaL_argcheck(state, item.filling <= length && position <= length - item.filling, 2, "data string too short");
    position += item.filling;
    luaL_argcheck(state, item.size <= length && position <= length - item.size, 2, "data string too short");
    luaL_checkstack(state, 2, "too many results");
    switch (item.code) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I': {
        bool const is_signed = std::islower(static_cast<unsigned char>(item.code));
        lua_pushnumber(state, read_integer(data + position, format.little(), is_signed, item.size));
        results++;
        break;
      }
      case 'x': break;
      case 'f':
        lua_pushnumber(state, read_float<float>(data + position, format.little()));
        results++;
        break;
      case 'd':
        lua_pushnumber(state, read_float<double>(data + position, format.little()));
        results++;
        break;
      case 'c':
        if (item.size == 0) {
          if (results == 0 || !lua_isnumber(state, -1)) return luaL_error(state, "format 'c0' needs a previous size");
          item.size = static_cast<size_t>(lua_tonumber(state, -1));
          lua_pop(state, 1);
          results--;
          luaL_argcheck(state, item.size <= length && position <= length - item.size, 2, "data string too short");
        }
        lua_pushlstring(state, data + position, item.size);
        results++;
        break;
      case 's': {
        auto const* end = static_cast<char const*>(std::memchr(data + position, '\0', length - position));
        if (!end) return luaL_error(state, "unfinished string in data");
        item.size = static_cast<size_t>(end - (data + position)) + 1;
        lua_pushlstring(state, data + position, item.size - 1);
        results++;
        break;
      }
      case ' ':
      case '<':
      case '>':
      case '!': break;
      default: return refuse_format(state, item.code);
    }
    position += item.size;
  }
  lua_pushinteger(state, static_cast<lua_Integer>(position + 1));
  return results + 1;
}

int size(lua_State* state) {
  Format format(state, luaL_checkstring(state, 1));
  size_t position = 0;
  while (!format.at_end()) {
    Item const item = format.next(position);
    position += item.filling;
    if (item.code == 's') luaL_argerror(state, 1, "option 's' has no fixed size");
    if (item.code == 'c' && item.size == 0) luaL_argerror(state, 1, "option 'c0' has no fixed size");
    position += item.size;
  }
  lua_pushinteger(state, static_cast<lua_Integer>(position));
  return 1;
}

}  // namespace

int open_packed_struct(lua_State* state) {
  lua_createtable(state, 0, 3);
  lua_pushcfunction(state, &pack_struct);
  lua_setfield(state, -2, "pack");
  lua_pushcfunction(state, &unpack_struct);
  lua_setfield(state, -2, "unpack");
  lua_pushcfunction(state, &size);
  lua_setfield(state, -2, "size");
  return 1;
}

}  // namespace holdfast::scripting
