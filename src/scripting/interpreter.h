#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "command/busy_scripts.h"
#include "command/nested_calls.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"
#include "scripting/lua_state.h"
#include "scripting/sandbox.h"

namespace holdfast::scripting {

class LibraryDraft;

/// One sandboxed Lua state and what runs in it. Belongs to one worker (or, for a moment, to who looks into a library).
class Interpreter {
 public:
  /// `bytes` counts the memory of all interpreters of one kind.
  Interpreter(SandboxKind kind, std::atomic<int64_t>& bytes, Clock const& clock, Logger& logger);
  Interpreter(Interpreter const&) = delete;
  Interpreter& operator=(Interpreter const&) = delete;

  static Interpreter& of(lua_State* state) { return *static_cast<Interpreter*>(LuaState::owner_of(state)); }
  lua_State* state() const { return lua_.get(); }
  Logger& logger() { return logger_; }

  /// Calls the function below the `arguments` values on the top as the script `name`, and writes what it returns, or its error.
  /// A run that is to be repeated writes nothing. The stack is empty afterwards.
  ScriptRun::Ended run(NestedCalls& calls, std::string_view name, Args command, int arguments, Reply& reply);

  /// Of a kFunctions interpreter: runs the code of a library, without its first line, and fills the draft. The functions are
  /// in the registry of the state. Fails with the text of the error reply, and leaves nothing behind then.
  Status load_library(std::string_view code, LibraryDraft& draft);

  /// What the running script works with; null while nothing runs.
  NestedCalls* calls() { return calls_; }
  /// 2 or 3: redis.setresp.
  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }
  /// The library whose code is being run to see what it registers, or null.
  LibraryDraft* draft() { return draft_; }

  /// redis.call and redis.pcall with the arguments on the stack of `state`, which may be a coroutine. Returns as functions
  /// of this folder do.
  int call(lua_State* state, bool raise_errors);

  /// The script ends, whatever it catches: from now on everything it does raises an error.
  void stop(lua_State* state);

  /// As the last argument of lua_pcall: notes where an error came from. Its stack index.
  int push_error_handler();
  /// The error on the top, with "script: ..." behind it, as a reply; pops it.
  ScriptRun::Ended write_failure(std::string_view name, Reply& reply);

 private:
  /// Instructions between two looks at the world outside.
  static constexpr int kInstructionsPerLook = 100'000;
  /// The code of a library may run so long.
  static constexpr int64_t kLoadMicrosecondsMax = 500'000;

  static void look(lua_State* state, lua_Debug*);
  /// Between two instructions, and while the script waits for locks. False: it must end.
  bool may_go_on();
  /// The script has run for so long that others are told.
  void become_busy();
  void look_at_load(lua_State* state);
  bool past_threshold() const;
  int stop_killed(lua_State* state);
  bool read_arguments(lua_State* state);

  Clock const& clock_;
  Logger& logger_;
  ScriptRandom random_;
  LuaState lua_;
  SandboxKind kind_;
  NestedCalls* calls_ = nullptr;
  // of the script that is running
  std::string_view name_;
  std::optional<Args> command_;
  int64_t start_ms_ = 0;  // monotonic
  std::shared_ptr<BusyScript> busy_;
  LibraryDraft* draft_ = nullptr;
  int protocol_ = 2;
  int64_t load_deadline_us_ = 0;  // of `draft_`, monotonic
  bool stopping_ = false;
  bool killed_ = false;  ///< that is why it stops
  // of the call that is being made
  std::vector<std::string_view> arguments_;
  std::vector<std::array<char, 32>> numbers_;
  OutputBuffer output_;
  std::string joined_;
};

}  // namespace holdfast::scripting
