#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "command/script_run.h"
#include "scripting/interpreter.h"
#include "scripting/script_cache.h"
#include "scripting/scripting.h"

namespace holdfast {
class Session;
}

namespace holdfast::scripting {

/// The Lua states of one worker, made when they are first needed, and what is compiled in them. Belongs to the worker.
class WorkerEngine final : public WorkerScripts {
 public:
  /// The engine of the session's worker.
  static WorkerEngine& of(Session& session);

  WorkerEngine(Scripting& process, Logger& logger) : process_(process), logger_(logger) {}

  /// A script compiled in `scripts()`.
  struct Compiled {
    std::shared_ptr<Script> script;
    int reference;  ///< in the registry
  };
  /// By its SHA-1 in lower case; null: there is none.
  Compiled const* find_script(std::string_view sha);
  /// By its text, compiled and added when it is new. Fails with the text of the error reply.
  Result<Compiled const*> add_script(std::string_view text);
  Interpreter& scripts();

 private:
  Result<Compiled const*> compile(std::shared_ptr<Script> script, std::string_view code);
  /// Forgets everything when SCRIPT FLUSH was called.
  void follow_flush();

  Scripting& process_;
  Logger& logger_;
  std::unique_ptr<Interpreter> scripts_;
  std::unordered_map<std::string_view, Compiled> compiled_;  // the key is the script's own
  uint64_t generation_ = 0;
};

}  // namespace holdfast::scripting
