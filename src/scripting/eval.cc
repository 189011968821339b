#include "scripting/eval.h"

#include "base/strings.h"
#include "scripting/script_call.h"
#include "scripting/worker_engine.h"

namespace holdfast::scripting {
namespace {

constexpr size_t kShaDigits = 40;
constexpr std::string_view kNoScript = "-NOSCRIPT No matching script. Please use EVAL.";

class EvalRun final : public ScriptRun {
 public:
  EvalRun(WorkerEngine& engine, std::shared_ptr<Script> script, ScriptTerms terms, size_t keys)
      : engine_(engine), script_(std::move(script)), terms_(terms), keys_(keys) {}

  ScriptReach reach() const override { return script_->reach.load(std::memory_order_relaxed); }
  void note_reach(ScriptReach reach) override { script_->reach.store(reach, std::memory_order_relaxed); }
  bool may_write() const override { return !terms_.read_only(); }

  Ended run(NestedCalls& calls, Args args, Reply& reply) override {
    WorkerEngine::Compiled const* compiled = engine_.find_script(script_->sha);
    if (!compiled) {  // SCRIPT FLUSH came while this waited for its locks
      reply.error(kNoScript);
      return Ended::kReplied;
    }
    Interpreter& interpreter = engine_.scripts();
    lua_State* state = interpreter.state();
    apply_terms(terms_, calls);
    size_t const end_of_keys = kFirstKeyIndex + keys_;
    push_arguments(state, args, kFirstKeyIndex, end_of_keys);
    set_global(state, "KEYS");
    push_arguments(state, args, end_of_keys, args.size());
    set_global(state, "ARGV");
    lua_rawgeti(state, LUA_REGISTRYINDEX, compiled->reference);
    return interpreter.run(calls, script_->sha, args, 0, reply);
  }

 private:
  WorkerEngine& engine_;
  std::shared_ptr<Script> script_;
  ScriptTerms terms_;
  size_t keys_;
};

std::unique_ptr<ScriptRun> prepare(Session& session, Reply& reply, WorkerEngine::Compiled const* compiled, bool read_only,
                                   size_t keys) {
  Script const& script = *compiled->script;
  ScriptTerms const terms{.flags = script.flags, .flags_known = script.has_header, .read_only_call = read_only};
  if (!may_begin(session, terms, reply)) return nullptr;
  return std::make_unique<EvalRun>(WorkerEngine::of(session), compiled->script, terms, keys);
}

template <bool kReadOnly>
std::unique_ptr<ScriptRun> cmd_eval(Session& session, Args args, Reply& reply) {
  std::optional<size_t> const keys = key_count(args, reply, {});
  if (!keys) return nullptr;
  Result<WorkerEngine::Compiled const*> compiled = WorkerEngine::of(session).add_script(args[1]);
  if (!compiled) {
    reply.error(compiled.error().message);
    return nullptr;
  }
  return prepare(session, reply, *compiled, kReadOnly, *keys);
}

template <bool kReadOnly>
std::unique_ptr<ScriptRun> cmd_evalsha(Session& session, Args args, Reply& reply) {
  if (args[1].size() != kShaDigits) {
    reply.error(kNoScript);
    return nullptr;
  }
  std::optional<size_t> const keys = key_count(args, reply, {});
  if (!keys) return nullptr;
  WorkerEngine::Compiled const* compiled = WorkerEngine::of(session).find_script(to_lower(args[1]));
  if (!compiled) {
    reply.error(kNoScript);
    return nullptr;
  }
  return prepare(session, reply, compiled, kReadOnly, *keys);
}

#define HOLDFAST_FLAGS "noscript stale skip_monitor no_mandatory_keys movablekeys may_replicate"
#define HOLDFAST_RO_FLAGS "readonly noscript stale skip_monitor no_mandatory_keys movablekeys"
#define HOLDFAST_ARGUMENTS " numkeys:integer [key:key...] [arg:string...]"

constexpr std::string_view kScriptComplexity = "That of the script.";

constexpr CommandRow kEvalRows[] = {
    {.name = "eval", .arity = -3, .flags = HOLDFAST_FLAGS,
     .keys = "RW access update i2 n(0,1,1) \"We cannot tell how the keys will be used so we assume the worst, RW and UPDATE\"",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "2.6.0", .complexity = kScriptComplexity,
     .summary = "Runs a Lua script.", .syntax = "script:string" HOLDFAST_ARGUMENTS, .handler = &cmd_eval<false>},
    {.name = "evalsha", .arity = -3, .flags = HOLDFAST_FLAGS, .keys = "RW access update i2 n(0,1,1)",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "2.6.0", .complexity = kScriptComplexity,
     .summary = "Runs a Lua script that is known by its SHA-1.", .syntax = "sha1:string" HOLDFAST_ARGUMENTS,
     .handler = &cmd_evalsha<false>},
    {.name = "eval_ro", .arity = -3, .flags = HOLDFAST_RO_FLAGS,
     .keys = "RO access i2 n(0,1,1) \"We cannot tell how the keys will be used so we assume the worst, RO and ACCESS\"",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "7.0.0", .complexity = kScriptComplexity,
     .summary = "Runs a Lua script that may not write.", .syntax = "script:string" HOLDFAST_ARGUMENTS,
     .handler = &cmd_eval<true>},
    {.name = "evalsha_ro", .arity = -3, .flags = HOLDFAST_RO_FLAGS, .keys = "RO access i2 n(0,1,1)",
     .categories = "scripting", .tips = "", .group = "scripting", .since = "7.0.0", .complexity = kScriptComplexity,
     .summary = "Runs a Lua script that is known by its SHA-1 and may not write.",
     .syntax = "sha1:string" HOLDFAST_ARGUMENTS, .handler = &cmd_evalsha<true>},
};

}  // namespace

CommandRows eval_commands() { return kEvalRows; }

}  // namespace holdfast::scripting
