#pragma once

#include <cstdint>

#include "command/services.h"

namespace holdfast::scripting {

/// What INFO and MEMORY STATS tell of scripts; memory in bytes.
struct ScriptFigures {
  uint64_t script_states = 0;    ///< Lua states of EVAL
  uint64_t function_states = 0;  ///< Lua states of functions
  uint64_t scripts = 0;          ///< texts of scripts
  uint64_t functions = 0;        ///< sources of libraries
  uint64_t script_count = 0;
  uint64_t function_count = 0;
  uint64_t library_count = 0;
};

ScriptFigures script_figures(Services const& services);

}  // namespace holdfast::scripting
