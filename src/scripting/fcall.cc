#include "scripting/fcall.h"

#include "scripting/script_call.h"
#include "scripting/worker_engine.h"

namespace holdfast::scripting {
namespace {

class FunctionRun final : public ScriptRun {
 public:
  FunctionRun(WorkerEngine& engine, LibrarySet::Found found, ScriptTerms terms, size_t keys)
      : engine_(engine), found_(std::move(found)), terms_(terms), keys_(keys) {}

  ScriptReach reach() const override { return found_.function().reach.load(std::memory_order_relaxed); }
  void note_reach(ScriptReach reach) override { found_.function().reach.store(reach, std::memory_order_relaxed); }
  bool may_write() const override { return !terms_.read_only(); }

  Ended run(NestedCalls& calls, Args args, Reply& reply) override {
    // The library may be gone since the call was prepared and waited for its locks.
    Result<int> const reference = engine_.function_reference(found_);
    if (!reference) {
      reply.error(reference.error().message);
      return Ended::kReplied;
    }
    Interpreter& interpreter = engine_.functions();
    lua_State* state = interpreter.state();
    apply_terms(terms_, calls);
    size_t const end_of_keys = kFirstKeyIndex + keys_;
    lua_rawgeti(state, LUA_REGISTRYINDEX, *reference);
    push_arguments(state, args, kFirstKeyIndex, end_of_keys);
    push_arguments(state, args, end_of_keys, args.size());
    return interpreter.run(calls, found_.function().name, args, 2, reply);
  }

 private:
  WorkerEngine& engine_;
  LibrarySet::Found found_;
  ScriptTerms terms_;
  size_t keys_;
};

template <bool kReadOnly>
std::unique_ptr<ScriptRun> cmd_fcall(Session& session, Args args, Reply& reply) {
  WorkerEngine& engine = WorkerEngine::of(session);
  std::optional<LibrarySet::Found> found = engine.find_function(args[1]);
  if (!found) {
    reply.error("Function not found");
    return nullptr;
  }
  std::optional<size_t> const keys = key_count(args, reply, "Bad number of keys provided");
  if (!keys) return nullptr;
  ScriptTerms const terms{.flags = found->function().flags, .flags_known = true, .read_only_call = kReadOnly};
  if (!may_begin(session, terms, reply)) return nullptr;
  if (Result<int> compiled = engine.function_reference(*found); !compiled) {
    reply.error(compiled.error().message);
    return nullptr;
  }
  return std::make_unique<FunctionRun>(engine, *std::move(found), terms, *keys);
}

constexpr std::string_view kSyntax = "function:string numkeys:integer [key:key...] [arg:string...]";
constexpr std::string_view kFunctionComplexity = "That of the function.";

constexpr CommandRow kFcallRows[] = {
    {.name = "fcall", .arity = -3, .flags = "noscript stale skip_monitor no_mandatory_keys movablekeys may_replicate",
     .keys = "RW access update i2 n(0,1,1) \"We cannot tell how the keys will be used so we assume the worst, RW and UPDATE\"",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "7.0.0", .complexity = kFunctionComplexity,
     .summary = "Calls a function.", .syntax = kSyntax, .handler = &cmd_fcall<false>},
    {.name = "fcall_ro", .arity = -3, .flags = "readonly noscript stale skip_monitor no_mandatory_keys movablekeys",
     .keys = "RO access i2 n(0,1,1) \"We cannot tell how the keys will be used so we assume the worst, RO and ACCESS\"",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "7.0.0", .complexity = kFunctionComplexity,
     .summary = "Calls a function that does not write.", .syntax = kSyntax, .handler = &cmd_fcall<true>},
};

}  // namespace

CommandRows fcall_commands() { return kFcallRows; }

}  // namespace holdfast::scripting
