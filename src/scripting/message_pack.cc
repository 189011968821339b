#include "scripting/message_pack.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace holdfast::scripting {
namespace {

/// Tables deeper than this are packed as nil.
constexpr int kNestingMax = 16;

// ---- packing -------------------------------------------------------------------------------------------------------------

/// Collects bytes in a userdata on Lua's stack, which the collector frees when an error is raised.
class Packer {
 public:
  explicit Packer(lua_State* state) : state_(state) {}

  void append(void const* bytes, size_t size) {
    if (used_ + size > room_) grow(size);
    std::memcpy(data_ + used_, bytes, size);
    used_ += size;
  }
  void byte(uint8_t value) { append(&value, 1); }
  template <class Integer>
  void big_endian(uint8_t tag, Integer value) {
    byte(tag);
    uint8_t bytes[sizeof value];
    for (size_t i = 0; i < sizeof value; i++) {
      bytes[i] = static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * (sizeof value - 1 - i)));
    }
    append(bytes, sizeof bytes);
  }

  void value(int index, int level);
  void push_result() { lua_pushlstring(state_, data_, used_); }

  /// Takes a place on the stack for the userdata.
  void begin() {
    lua_pushnil(state_);
    slot_ = lua_gettop(state_);
    grow(0);
  }

 private:
  void grow(size_t size) {
    constexpr size_t kFirstBytes = 128;
    size_t const room = std::max(kFirstBytes, (used_ + size) * 2);
    auto* moved = static_cast<char*>(lua_newuserdata(state_, room));
    if (used_ > 0) std::memcpy(moved, data_, used_);
    lua_replace(state_, slot_);
    data_ = moved;
    room_ = room;
  }
  void string(std::string_view text);
  void number(lua_Number number);
  void integer(int64_t number);
  void table(int index, int level);
  /// The number of elements when the keys are 1..n; -1: it is a map.
  int64_t array_length(int index);

  lua_State* state_;
  int slot_ = 0;
  char* data_ = nullptr;
  size_t used_ = 0;
  size_t room_ = 0;
};

void Packer::string(std::string_view text) {
  size_t const size = text.size();
  if (size < 32) {
    byte(static_cast<uint8_t>(0xa0 | size));
  } else if (size <= 0xff) {
    big_endian(0xd9, static_cast<uint8_t>(size));
  } else if (size <= 0xffff) {
    big_endian(0xda, static_cast<uint16_t>(size));
  } else {
    big_endian(0xdb, static_cast<uint32_t>(size));
  }
  append(text.data(), size);
}

void Packer::integer(int64_t number) {
  if (number >= 0) {
    if (number <= 127) return byte(static_cast<uint8_t>(number));
    if (number <= 0xff) return big_endian(0xcc, static_cast<uint8_t>(number));
    if (number <= 0xffff) return big_endian(0xcd, static_cast<uint16_t>(number));
    if (number <= 0xffffffff) return big_endian(0xce, static_cast<uint32_t>(number));
    return big_endian(0xcf, static_cast<uint64_t>(number));
  }
  if (number >= -32) return byte(static_cast<uint8_t>(number));
  if (number >= -128) return big_endian(0xd0, static_cast<uint8_t>(number));
  if (number >= -32768) return big_endian(0xd1, static_cast<uint16_t>(number));
  if (number >= std::numeric_limits<int32_t>::min()) return big_endian(0xd2, static_cast<uint32_t>(number));
  big_endian(0xd3, static_cast<uint64_t>(number));
}

void Packer::number(lua_Number number) {
  constexpr lua_Number kLimit = 9223372036854775808.0;
  if (number >= -kLimit && number < kLimit && number == std::floor(number)) {
    return integer(static_cast<int64_t>(number));
  }
  auto const narrow = static_cast<float>(number);
  if (number == static_cast<lua_Number>(narrow)) {
    big_endian(0xca, std::bit_cast<uint32_t>(narrow));
  } else {
    big_endian(0xcb, std::bit_cast<uint64_t>(number));
  }
}

int64_t Packer::array_length(int index) {
  int64_t count = 0;
  int64_t highest = 0;
  lua_pushnil(state_);
  while (lua_next(state_, index)) {
    lua_pop(state_, 1);
    lua_Number const key = lua_type(state_, -1) == LUA_TNUMBER ? lua_tonumber(state_, -1) : 0;
    if (!(key > 0) || key != std::floor(key) || key > static_cast<lua_Number>(std::numeric_limits<int32_t>::max())) {
      lua_pop(state_, 1);
      return -1;
    }
    count++;
    highest = std::max(highest, static_cast<int64_t>(key));
  }
  return highest == count ? count : -1;
}

void Packer::table(int index, int level) {
  int64_t const length = array_length(index);
  if (length >= 0) {
    if (length <= 15) {
      byte(static_cast<uint8_t>(0x90 | length));
    } else if (length <= 0xffff) {
      big_endian(0xdc, static_cast<uint16_t>(length));
    } else {
      big_endian(0xdd, static_cast<uint32_t>(length));
    }
    for (int i = 1; i <= length; i++) {
      lua_rawgeti(state_, index, i);
      value(lua_gettop(state_), level + 1);
      lua_pop(state_, 1);
    }
    return;
  }
  size_t pairs = 0;
  lua_pushnil(state_);
  while (lua_next(state_, index)) {
    lua_pop(state_, 1);
    pairs++;
  }
  if (pairs <= 15) {
    byte(static_cast<uint8_t>(0x80 | pairs));
  } else if (pairs <= 0xffff) {
    big_endian(0xde, static_cast<uint16_t>(pairs));
  } else {
    big_endian(0xdf, static_cast<uint32_t>(pairs));
  }
  lua_pushnil(state_);
  while (lua_next(state_, index)) {
    int const key = lua_gettop(state_) - 1;
    value(key, level + 1);
    value(key + 1, level + 1);
    lua_pop(state_, 1);
  }
}

void Packer::value(int index, int level) {
  luaL_checkstack(state_, 8, "in function mp_check");
  switch (lua_type(state_, index)) {
    case LUA_TSTRING: return string(text_at(state_, index));
    case LUA_TBOOLEAN: return byte(lua_toboolean(state_, index) ? 0xc3 : 0xc2);
    case LUA_TNUMBER: return number(lua_tonumber(state_, index));
    case LUA_TTABLE:
      if (level < kNestingMax) return table(index, level);
      return byte(0xc0);
    default: return byte(0xc0);
  }
}

int pack_message(lua_State* state) {
  int const count = lua_gettop(state);
  if (count == 0) return luaL_argerror(state, 0, "MessagePack pack needs input.");
  luaL_checkstack(state, count, "Too many arguments for MessagePack pack.");
  Packer packer(state);
  packer.begin();
  for (int i = 1; i <= count; i++) packer.value(i, 0);
  packer.push_result();
  return 1;
}

// ---- unpacking -----------------------------------------------------------------------------------------------------------

enum class Damage : uint8_t { kNone, kMissing, kFormat };

class Unpacker {
 public:
  Unpacker(lua_State* state, std::string_view bytes) : state_(state), bytes_(bytes) {}

  /// Pushes one value, when there is no damage.
  void value();
  Damage damage() const { return damage_; }
  std::string_view rest() const { return bytes_; }

 private:
  bool has(uint64_t count) {
    if (bytes_.size() >= count) return true;
    damage_ = Damage::kMissing;
    return false;
  }
  /// Reads an unsigned number of so many bytes. Precondition: they are there.
  uint64_t read(size_t size) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) number = number << 8 | static_cast<uint8_t>(bytes_[i]);
    bytes_.remove_prefix(size);
    return number;
  }
  template <class Integer>
  void integer() {
    if (has(sizeof(Integer))) lua_pushnumber(state_, static_cast<lua_Number>(static_cast<Integer>(read(sizeof(Integer)))));
  }
  void string(uint64_t size) {
    if (!has(size)) return;
    push(state_, bytes_.substr(0, size));
    bytes_.remove_prefix(size);
  }
  void array(uint64_t count);
  void map(uint64_t count);
  /// A length of `size` bytes, then what has it.
  void sized(size_t size, void (Unpacker::*content)(uint64_t)) {
    if (has(size)) (this->*content)(read(size));
  }

  lua_State* state_;
  std::string_view bytes_;
  Damage damage_ = Damage::kNone;
};

void Unpacker::array(uint64_t count) {
  lua_newtable(state_);
  for (uint64_t i = 1; i <= count; i++) {
    value();
    if (damage_ != Damage::kNone) return;
    lua_rawseti(state_, -2, static_cast<int>(i));
  }
}

void Unpacker::map(uint64_t count) {
  lua_newtable(state_);
  for (uint64_t i = 0; i < count; i++) {
    value();
    if (damage_ != Damage::kNone) return;
    value();
    if (damage_ != Damage::kNone) return;
    lua_settable(state_, -3);  // raises for a key that is nil or nan
  }
}

void Unpacker::value() {
  luaL_checkstack(state_, 4, "too many return values at once; use unpack_one or unpack_limit instead.");
  if (!has(1)) return;
  auto const tag = static_cast<uint8_t>(read(1));
  if (tag <= 0x7f) return lua_pushnumber(state_, tag);
  if (tag >= 0xe0) return lua_pushnumber(state_, static_cast<int8_t>(tag));
  if (tag >= 0xa0 && tag <= 0xbf) return string(tag & 0x1f);
  if (tag >= 0x90 && tag <= 0x9f) return array(tag & 0x0f);
  if (tag >= 0x80 && tag <= 0x8f) return map(tag & 0x0f);
  switch (tag) {
    case 0xc0: return lua_pushnil(state_);
    case 0xc2: return lua_pushboolean(state_, 0);
    case 0xc3: return lua_pushboolean(state_, 1);
    case 0xca:
      if (has(4)) lua_pushnumber(state_, std::bit_cast<float>(static_cast<uint32_t>(read(4))));
      return;
    case 0xcb:
      if (has(8)) lua_pushnumber(state_, std::bit_cast<double>(read(8)));
      return;
    case 0xcc: return integer<uint8_t>();
    case 0xcd: return integer<uint16_t>();
    case 0xce: return integer<uint32_t>();
    case 0xcf: return integer<uint64_t>();
    case 0xd0: return integer<int8_t>();
    case 0xd1: return integer<int16_t>();
    case 0xd2: return integer<int32_t>();
    case 0xd3: return integer<int64_t>();
    case 0xd9: return sized(1, &Unpacker::string);
    case 0xda: return sized(2, &Unpacker::string);
    case 0xdb: return sized(4, &Unpacker::string);
    case 0xdc: return sized(2, &Unpacker::array);
    case 0xdd: return sized(4, &Unpacker::array);
    case 0xde: return sized(2, &Unpacker::map);
    case 0xdf: return sized(4, &Unpacker::map);
    default: damage_ = Damage::kFormat;
  }
}

/// Unpacks up to `limit` values (0: all) from `offset`; with a limit the place behind them (-1: the end) is the first
/// result.
int unpack_values(lua_State* state, int limit, int offset) {
  size_t size;
  char const* bytes = luaL_checklstring(state, 1, &size);
  bool const all = limit == 0 && offset == 0;
  if (offset < 0 || limit < 0) {
    return luaL_error(state, "Invalid request to unpack with offset of %d and limit of %d.", offset, static_cast<int>(size));
  }
  if (static_cast<size_t>(offset) > size) {
    return luaL_error(state, "Start offset %d greater than input length %d.", offset, static_cast<int>(size));
  }
  if (all) limit = std::numeric_limits<int>::max();
  Unpacker unpacker(state, std::string_view(bytes, size).substr(static_cast<size_t>(offset)));
  int count = 0;
  for (; !unpacker.rest().empty() && count < limit; count++) {
    unpacker.value();
    if (unpacker.damage() == Damage::kMissing) return luaL_error(state, "Missing bytes in input.");
    if (unpacker.damage() == Damage::kFormat) return luaL_error(state, "Bad data format in input.");
  }
  if (all) return count;
  luaL_checkstack(state, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
  lua_pushinteger(state, unpacker.rest().empty() ? -1 : static_cast<lua_Integer>(size - unpacker.rest().size()));
  lua_insert(state, -(count + 1));
  return count + 1;
}

int unpack_message(lua_State* state) { return unpack_values(state, 0, 0); }

int unpack_one(lua_State* state) {
  int const offset = luaL_optint(state, 2, 0);
  lua_settop(state, 1);
  return unpack_values(state, 1, offset);
}

int unpack_limit(lua_State* state) {
  int const limit = luaL_checkint(state, 2);
  int const offset = luaL_optint(state, 3, 0);
  lua_settop(state, 1);
  return unpack_values(state, limit, offset);
}

constexpr luaL_Reg kFunctions[] = {
    {"pack", &pack_message}, {"unpack", &unpack_message}, {"unpack_one", &unpack_one}, {"unpack_limit", &unpack_limit}, {nullptr, nullptr}};

void set_text(lua_State* state, char const* name, char const* text) {
  lua_pushstring(state, text);
  lua_setfield(state, -2, name);
}

}  // namespace

int open_message_pack(lua_State* state) {
  lua_newtable(state);
  for (luaL_Reg const* each = kFunctions; each->name; each++) {
    lua_pushcfunction(state, each->func);
    lua_setfield(state, -2, each->name);
  }
  set_text(state, "_NAME", "cmsgpack");
  set_text(state, "_VERSION", "lua-cmsgpack 0.4.0");
  set_text(state, "_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  set_text(state, "_DESCRIPTION", "MessagePack C implementation for Lua");
  return 1;
}

}  // namespace holdfast::scripting
