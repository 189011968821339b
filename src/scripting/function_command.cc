#include "scripting/function_command.h"

#include <bit>
#include <optional>

#include "base/glob.h"
#include "command/server_state.h"
#include "command/session.h"
#include "commands/stream_help.h"
#include "rdb/dump_payload.h"
#include "rdb/writer.h"
#include "scripting/kill_script.h"
#include "scripting/scripting.h"
#include "scripting/shebang.h"

namespace holdfast::scripting {
namespace {

FunctionRegistry& registry_of(Session& session) { return session.services().scripting->functions(); }

void reply_function(LibraryFunction const& function, Reply& reply) {
  reply.map(3);
  reply.field("name", function.name);
  reply.bulk("description");
  function.description ? reply.bulk(*function.description) : reply.null();
  reply.bulk("flags");
  reply.set(static_cast<size_t>(std::popcount(function.flags)));
  for (ScriptFlagName const& each : kScriptFlagNames) {
    if (function.flags & each.flag) reply.status(each.name);
  }
}

void reply_library(Library const& library, bool with_code, Reply& reply) {
  reply.map(with_code ? 4 : 3);
  reply.bulk("library_name");
  reply.bulk(library.name);
  reply.field("engine", "LUA");
  reply.bulk("functions");
  reply.array(library.functions.size());
  for (auto const& function : library.functions) reply_function(*function, reply);
  if (!with_code) return;
  reply.bulk("library_code");
  reply.bulk(library.source);
}

void cmd_function_list(Session& session, Args args, Reply& reply) {
  std::optional<std::string_view> pattern;
  bool with_code = false;
  for (size_t i = 2; i < args.size(); i++) {
    if (!with_code && args.is(i, "WITHCODE")) {
      with_code = true;
    } else if (!pattern && args.is(i, "LIBRARYNAME")) {
      if (++i == args.size()) return reply.error("library name argument was not given");
      pattern = args[i];
    } else {
      return reply.error("Unknown argument " + std::string(args[i]));
    }
  }
  std::shared_ptr<LibrarySet const> const set = registry_of(session).current();
  size_t const mark = reply.begin_deferred();
  size_t count = 0;
  for (auto const& [name, library] : set->libraries()) {
    if (pattern && !glob_match(*pattern, name, true)) continue;
    reply_library(*library, with_code, reply);
    count++;
  }
  reply.end_deferred_array(mark, count);
}

void reply_running(BusyScript const* script, Services& services, Reply& reply) {
  if (!script) return reply.null();
  reply.map(3);
  reply.field("name", script->name);
  reply.bulk("command");
  reply.array(script->command.size());
  for (std::string const& word : script->command) reply.bulk(word);
  reply.field("duration_ms", services.clock.monotonic_us() / 1000 - script->start_ms);
}

void cmd_function_stats(Session& session, Args, Reply& reply) {
  std::shared_ptr<BusyScript> const script = session.services().state.busy_scripts.oldest();
  if (script && script->kind == BusyScript::Kind::kScript) return reply.error(busy_error(script->kind));
  std::shared_ptr<LibrarySet const> const set = registry_of(session).current();
  reply.map(2);
  reply.bulk("running_script");
  reply_running(script.get(), session.services(), reply);
  reply.bulk("engines");
  reply.map(1);
  reply.bulk("LUA");
  reply.map(2);
  reply.field("libraries_count", set->libraries().size());
  reply.field("functions_count", set->function_count());
}

void cmd_function_kill(Session& session, Args, Reply& reply) {
  kill_script(session, BusyScript::Kind::kFunction, reply);
}

void cmd_function_dump(Session& session, Args, Reply& reply) {
  std::string payload;
  RdbWriter writer(payload);
  FunctionRegistry::Sources const sources = registry_of(session).sources();
  for (std::string const& source : *sources) writer.function(source);
  append_dump_footer(payload);
  reply.bulk(payload);
}

void cmd_function_help(Session&, Args, Reply& reply) {
  static constexpr StreamHelpLine kLines[] = {
      {"LOAD [REPLACE] <FUNCTION CODE>", "Creates a library of functions from its code."},
      {"DELETE <LIBRARY NAME>", "Deletes a library with its functions."},
      {"LIST [LIBRARYNAME PATTERN] [WITHCODE]", "Tells of the libraries, their functions and, if asked, their code."},
      {"STATS", "Tells of the function that is running, and of the engines."},
      {"KILL", "Ends the function that is running, if it has not written yet."},
      {"FLUSH [ASYNC|SYNC]", "Deletes all libraries."},
      {"DUMP", "Gives all libraries as a payload for RESTORE."},
      {"RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]", "Creates the libraries of a payload of DUMP."},
  };
  reply_stream_help("FUNCTION", kLines, reply);
}

constexpr CommandRow kFunctionRows[] = {
    {.name = "function", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "scripting",
     .since = "7.0.0", .complexity = "That of the subcommand.", .summary = "What concerns functions.", .syntax = ""},
    {.name = "function|dump", .arity = 2, .flags = "noscript", .keys = "", .categories = "scripting", .tips = "",
     .group = "scripting", .since = "7.0.0", .complexity = "O(N) with N the number of functions.",
     .summary = "Gives all libraries as a payload for FUNCTION RESTORE.", .syntax = "", .handler = &cmd_function_dump},
    {.name = "function|list", .arity = -2, .flags = "noscript", .keys = "", .categories = "scripting",
     .tips = "nondeterministic_output_order", .group = "scripting", .since = "7.0.0",
     .complexity = "O(N) with N the number of functions.", .summary = "Tells of the libraries and their functions.",
     .syntax = "[LIBRARYNAME library-name-pattern:string] [WITHCODE]", .handler = &cmd_function_list},
    {.name = "function|stats", .arity = 2, .flags = "noscript allow_busy", .keys = "", .categories = "scripting",
     .tips = "nondeterministic_output;request_policy:all_shards;response_policy:special", .group = "scripting",
     .since = "7.0.0", .complexity = "O(1)", .summary = "Tells of the function that is running, and of the engines.",
     .syntax = "", .handler = &cmd_function_stats},
    {.name = "function|kill", .arity = 2, .flags = "noscript allow_busy", .keys = "", .categories = "scripting",
     .tips = "request_policy:all_shards;response_policy:one_succeeded", .group = "scripting", .since = "7.0.0",
     .complexity = "O(1)", .summary = "Ends the function that is running, if it has not written yet.", .syntax = "",
     .handler = &cmd_function_kill},
    {.name = "function|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "scripting", .tips = "",
     .group = "scripting", .since = "7.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_function_help},
};

}  // namespace

CommandRows function_commands() { return kFunctionRows; }

}  // namespace holdfast::scripting
