#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

  WorkerEngine(Scripting& process, Clock const& clock, Logger& logger) : process_(process), clock_(clock), logger_(logger) {}

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

  /// By its name; none: there is no such function.
  std::optional<LibrarySet::Found> find_function(std::string_view name);
  /// Where the function is in the registry of `functions()`; its library is compiled when it must be. Fails with the text
  /// of the error reply when that is not possible, or when the library is gone.
  Result<int> function_reference(LibrarySet::Found const& function);
  Interpreter& functions();

 private:
  Result<Compiled const*> compile(std::shared_ptr<Script> script, std::string_view code);
  /// Forgets everything when SCRIPT FLUSH was called.
  void follow_flush();

  /// Forgets the libraries that are no more.
  void follow_registry();

  Scripting& process_;
  Clock const& clock_;
  Logger& logger_;
  std::unique_ptr<Interpreter> scripts_;
  std::unordered_map<std::string_view, Compiled> compiled_;  // the key is the script's own
  uint64_t generation_ = 0;

  std::unique_ptr<Interpreter> functions_;
  struct CompiledLibrary {
    std::shared_ptr<Library const> library;
    std::vector<int> references;  ///< of its functions, in their order
  };
  std::unordered_map<Library const*, CompiledLibrary> libraries_;
  std::shared_ptr<LibrarySet const> set_;
  uint64_t set_version_ = 0;
};

}  // namespace holdfast::scripting
