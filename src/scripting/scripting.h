#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/logger.h"
#include "scripting/function_registry.h"
#include "scripting/script_cache.h"

namespace holdfast::scripting {

/// What the whole process knows of scripts and functions. Any thread.
class Scripting {
 public:
  Scripting(Clock const& clock, Logger& logger) : functions_(clock, logger, function_state_bytes_) {}

  ScriptCache& scripts() { return scripts_; }
  FunctionRegistry& functions() { return functions_; }

  /// Memory of the Lua states of all workers: of EVAL, and of functions. Counted by their allocators.
  std::atomic<int64_t>& script_state_bytes() { return script_state_bytes_; }
  std::atomic<int64_t>& function_state_bytes() { return function_state_bytes_; }

 private:
  std::atomic<int64_t> script_state_bytes_{0};
  std::atomic<int64_t> function_state_bytes_{0};
  ScriptCache scripts_;
  FunctionRegistry functions_;
};

}  // namespace holdfast::scripting
