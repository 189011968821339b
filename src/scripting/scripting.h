#pragma once

#include <atomic>
#include <cstdint>

#include "scripting/script_cache.h"

namespace holdfast::scripting {

/// What the whole process knows of scripts and functions. Any thread.
class Scripting {
 public:
  ScriptCache& scripts() { return scripts_; }

  /// Memory of the Lua states of all workers: of EVAL, and of functions. Counted by their allocators.
  std::atomic<int64_t>& script_state_bytes() { return script_state_bytes_; }

 private:
  ScriptCache scripts_;
  std::atomic<int64_t> script_state_bytes_{0};
};

}  // namespace holdfast::scripting
