#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scripting/lua_value.h"

namespace holdfast::scripting {

/// What the code of a library registers while it runs.
class LibraryDraft {
 public:
  struct Function {
    std::string name;
    std::optional<std::string> description;
    uint32_t flags = 0;
    int reference = 0;  ///< in the registry of the state
  };

  std::vector<Function>& functions() { return functions_; }
  bool has(std::string_view name) const;

 private:
  std::vector<Function> functions_;
};

/// redis.register_function with the arguments on the stack; returns as functions of this folder do.
int register_function(lua_State* state);

}  // namespace holdfast::scripting
