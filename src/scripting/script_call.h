#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "command/args.h"
#include "command/nested_calls.h"
#include "scripting/interpreter.h"
#include "scripting/shebang.h"

namespace holdfast {
class Session;
}

namespace holdfast::scripting {

/// Where the keys of EVAL and FCALL are: they follow the count, the third argument.
inline constexpr size_t kKeyCountIndex = 2;
inline constexpr size_t kFirstKeyIndex = 3;

/// The number of keys; replies an error and is empty when it is wrong. `not_a_number`: the text for that.
std::optional<size_t> key_count(Args args, Reply& reply, std::string_view not_a_number);

/// What flags a script or function begins with, and what is asked of it.
struct ScriptTerms {
  uint32_t flags = 0;
  bool flags_known = false;  ///< it has declared them; if not, each command is looked at when it is called
  bool read_only_call = false;  ///< EVAL_RO, FCALL_RO ...
  bool read_only() const { return read_only_call || (flags_known && (flags & kNoWrites)); }
};
/// Whether a script with such flags may begin now; replies why not.
bool may_begin(Session& session, ScriptTerms const& terms, Reply& reply);
/// What its calls are refused.
void apply_terms(ScriptTerms const& terms, NestedCalls& calls);

/// Pushes a table with the arguments from `first` to before `end`.
void push_arguments(lua_State* state, Args args, size_t first, size_t end);

}  // namespace holdfast::scripting
