#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// A Lua state that counts its memory. When the system has none left, the process ends: nothing in a script could go on.
/// Belongs to one thread, but for the count.
class LuaState {
 public:
  /// `bytes` counts together what several states have; it outlives them.
  explicit LuaState(std::atomic<int64_t>& bytes);
  ~LuaState();
  LuaState(LuaState const&) = delete;
  LuaState& operator=(LuaState const&) = delete;

  lua_State* get() const { return state_; }

  /// What Lua functions may ask for their owner; null until it is set.
  void set_owner(void* owner) { owner_ = owner; }
  static void* owner_of(lua_State* state);

 private:
  static void* allocate(void* self, void* block, size_t old_bytes, size_t new_bytes);

  std::atomic<int64_t>& bytes_;
  void* owner_ = nullptr;
  lua_State* state_;
};

}  // namespace holdfast::scripting
