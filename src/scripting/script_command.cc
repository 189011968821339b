#include "scripting/script_command.h"

#include "base/strings.h"
#include "command/session.h"
#include "commands/stream_help.h"
#include "scripting/kill_script.h"
#include "scripting/worker_engine.h"

namespace holdfast::scripting {
namespace {

void cmd_script_load(Session& session, Args args, Reply& reply) {
  Result<WorkerEngine::Compiled const*> compiled = WorkerEngine::of(session).add_script(args[2]);
  if (!compiled) return reply.error(compiled.error().message);
  reply.bulk((*compiled)->script->sha);
}

void cmd_script_exists(Session& session, Args args, Reply& reply) {
  ScriptCache const& scripts = session.services().scripting->scripts();
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) reply.integer(scripts.find(to_lower(args[i])) ? 1 : 0);
}

/// Each worker drops its Lua state when it next needs one, so both modes are the same.
void cmd_script_flush(Session& session, Args args, Reply& reply) {
  if (args.size() > 3 || (args.size() == 3 && !args.is(2, "SYNC") && !args.is(2, "ASYNC"))) {
    return reply.error("SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  session.services().scripting->scripts().clear();
  reply.ok();
}

/// There is no debugger: the modes are taken and change nothing.
void cmd_script_debug(Session&, Args args, Reply& reply) {
  if (!args.is(2, "YES") && !args.is(2, "SYNC") && !args.is(2, "NO")) return reply.error("Use SCRIPT DEBUG YES/SYNC/NO");
  reply.ok();
}

void cmd_script_kill(Session& session, Args, Reply& reply) { kill_script(session, BusyScript::Kind::kScript, reply); }

void cmd_script_help(Session&, Args, Reply& reply) {
  static constexpr StreamHelpLine kLines[] = {
      {"DEBUG (YES|SYNC|NO)", "Is accepted and changes nothing: there is no debugger."},
      {"EXISTS <sha1> [<sha1> ...]", "Tells of each digest whether its script is known."},
      {"FLUSH [ASYNC|SYNC]", "Forgets all scripts."},
      {"KILL", "Ends the script that is running, if it has not written yet."},
      {"LOAD <script>", "Makes a script known without running it."},
  };
  reply_stream_help("SCRIPT", kLines, reply);
}

constexpr CommandRow kScriptRows[] = {
    {.name = "script", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "scripting",
     .since = "2.6.0", .complexity = "That of the subcommand.", .summary = "What concerns the scripts of EVAL.", .syntax = ""},
    {.name = "script|load", .arity = 3, .flags = "noscript stale", .keys = "", .categories = "scripting",
     .tips = "request_policy:all_nodes;response_policy:all_succeeded", .group = "scripting", .since = "2.6.0",
     .complexity = "O(N) with N the length of the script.", .summary = "Makes a script known without running it.",
     .syntax = "script:string", .handler = &cmd_script_load},
    {.name = "script|exists", .arity = -3, .flags = "noscript", .keys = "", .categories = "scripting",
     .tips = "request_policy:all_shards;response_policy:agg_logical_and", .group = "scripting", .since = "2.6.0",
     .complexity = "O(N) with N the number of digests.", .summary = "Tells of each digest whether its script is known.",
     .syntax = "sha1:string...", .handler = &cmd_script_exists},
    {.name = "script|flush", .arity = -2, .flags = "noscript", .keys = "", .categories = "scripting",
     .tips = "request_policy:all_nodes;response_policy:all_succeeded", .group = "scripting", .since = "2.6.0",
     .complexity = "O(N) with N the number of scripts.", .summary = "Forgets all scripts.",
     .syntax = "[async:oneof(ASYNC|SYNC)@6.2.0]", .handler = &cmd_script_flush,
     .history = "6.2.0: Added the `ASYNC` and `SYNC` flushing mode modifiers."},
    {.name = "script|kill", .arity = 2, .flags = "noscript allow_busy", .keys = "", .categories = "scripting",
     .tips = "request_policy:all_shards;response_policy:one_succeeded", .group = "scripting", .since = "2.6.0",
     .complexity = "O(1)", .summary = "Ends the script that is running, if it has not written yet.", .syntax = "",
     .handler = &cmd_script_kill},
    {.name = "script|debug", .arity = 3, .flags = "noscript", .keys = "", .categories = "scripting", .tips = "",
     .group = "scripting", .since = "3.2.0", .complexity = "O(1)", .summary = "Is accepted and changes nothing.",
     .syntax = "mode:oneof(YES|SYNC|NO)", .handler = &cmd_script_debug},
    {.name = "script|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "scripting", .tips = "",
     .group = "scripting", .since = "5.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_script_help},
};

}  // namespace

CommandRows script_commands() { return kScriptRows; }

}  // namespace holdfast::scripting
