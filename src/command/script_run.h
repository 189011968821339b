#pragma once

#include <cstdint>

#include "command/args.h"
#include "resp/reply.h"

namespace holdfast {

class NestedCalls;

/// What a script has been seen to need besides the keys that it declares.
enum class ScriptReach : uint8_t {
  kDeclared,  ///< nothing
  kFurther,   ///< other keys: it runs with the slow lane
  kAll,       ///< all keys (KEYS, FLUSHALL, DBSIZE ...)
};

/// One call of EVAL, FCALL and their like, found and compiled: what the gate needs to know before it takes locks, and what it runs
/// under them. Made by a ScriptHandler, used once or, when the first run was taken back, twice. Belongs to one worker.
class ScriptRun {
 public:
  virtual ~ScriptRun() = default;
  virtual ScriptReach reach() const = 0;
  /// Remembers for later calls of the same script.
  virtual void note_reach(ScriptReach reach) = 0;
  /// False when it is known that it writes nothing (held by CLIENT PAUSE WRITE otherwise).
  virtual bool may_write() const = 0;
  /// Runs it and writes the reply, but for a run that is to be repeated (`calls.repeat_with()`), which replies nothing.
  /// Returns true when the reply is an error that was counted where it happened.
  enum class Ended : uint8_t { kReplied, kCountedError };
  virtual Ended run(NestedCalls& calls, Args args, Reply& reply) = 0;
};

/// What a worker keeps for its scripts from call to call.
class WorkerScripts {
 public:
  virtual ~WorkerScripts() = default;
};

}  // namespace holdfast
