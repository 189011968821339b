#include "scripting/lua_state.h"

#include <cstdlib>

#include "base/check.h"

namespace holdfast::scripting {

LuaState::LuaState(std::atomic<int64_t>& bytes) : bytes_(bytes), state_(lua_newstate(&allocate, this)) { CHECK(state_); }

LuaState::~LuaState() { lua_close(state_); }

void* LuaState::owner_of(lua_State* state) {
  void* self = nullptr;
  lua_getallocf(state, &self);
  return static_cast<LuaState*>(self)->owner_;
}

void* LuaState::allocate(void* self, void* block, size_t old_bytes, size_t new_bytes) {
  auto const change = static_cast<int64_t>(new_bytes) - static_cast<int64_t>(old_bytes);
  static_cast<LuaState*>(self)->bytes_.fetch_add(change, std::memory_order_relaxed);
  if (new_bytes == 0) {
    std::free(block);
    return nullptr;
  }
  void* moved = std::realloc(block, new_bytes);
  CHECK(moved);
  return moved;
}

}  // namespace holdfast::scripting
