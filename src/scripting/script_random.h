#pragma once

#include <cstdint>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// The generator behind math.random of scripts: 48 bits, linear congruential (the one of drand48), so that a sequence is the
/// same on every machine and the same as in Redis.
class ScriptRandom {
 public:
  /// 31 bits.
  uint32_t next() {
    state_ = (state_ * 0x5DEECE66D + 11) & ((uint64_t{1} << 48) - 1);
    return static_cast<uint32_t>(state_ >> 17);
  }
  void seed(int32_t seed) { state_ = (uint64_t{static_cast<uint32_t>(seed)} << 16) | 0x330E; }

 private:
  uint64_t state_ = 0x1234ABCD330E;
};

/// Puts math.random and math.randomseed into the globals; they use `random`, which outlives the state.
void install_random(lua_State* state, ScriptRandom& random);

}  // namespace holdfast::scripting
