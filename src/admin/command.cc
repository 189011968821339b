#include "admin/command.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "admin/command_docs.h"
#include "admin/command_info.h"
#include "admin/command_keys.h"
#include "admin/help.h"
#include "base/glob.h"
#include "base/strings.h"
#include "command/command_table.h"
#include "command/errors.h"
#include "command/session.h"

namespace holdfast {
namespace {

constexpr char kCommand[] = "command";

void reply_all_infos(CommandTable const& commands, Reply& reply) {
  reply.array(commands.top_level().size());
  for (Command const* command : commands.top_level()) reply_command_info(*command, reply);
}

/// COMMAND with a word that is no subcommand never gets here.
void cmd_command(Session& session, Args, Reply& reply) { reply_all_infos(session.services().commands, reply); }

void cmd_command_count(Session& session, Args, Reply& reply) {
  reply.integer(static_cast<int64_t>(session.services().commands.top_level().size()));
}

void cmd_command_info(Session& session, Args args, Reply& reply) {
  CommandTable const& commands = session.services().commands;
  if (args.size() == 2) return reply_all_infos(commands, reply);
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) {
    Command const* const command = commands.find_full(args[i]);
    command ? reply_command_info(*command, reply) : reply.null();
  }
}

void cmd_command_docs(Session& session, Args args, Reply& reply) {
  CommandTable const& commands = session.services().commands;
  std::vector<Command const*> chosen;
  if (args.size() == 2) chosen = commands.top_level();
  for (size_t i = 2; i < args.size(); i++) {
    if (Command const* const command = commands.find_full(args[i])) chosen.push_back(command);
  }
  reply.map(chosen.size());
  for (Command const* command : chosen) {
    reply.bulk(command->full_name);
    reply_command_docs(*command, reply);
  }
}

void cmd_command_list(Session& session, Args args, Reply& reply) {
  std::function<bool(Command const&)> fits = [](Command const&) { return true; };
  if (args.size() == 5 && args.is(2, "FILTERBY")) {
    std::string_view const value = args[4];
    if (args.is(3, "MODULE")) {
      fits = [](Command const&) { return false; };  // there are no modules
    } else if (args.is(3, "ACLCAT")) {
      fits = [category = to_lower(value)](Command const& command) {
        return std::ranges::find(command.categories, category) != command.categories.end();
      };
    } else if (args.is(3, "PATTERN")) {
      fits = [value](Command const& command) { return glob_match(value, command.full_name, true); };
    } else {
      return reply.error(errors::kSyntax);
    }
  } else if (args.size() != 2) {
    return reply.error(errors::kSyntax);
  }
  std::vector<std::string_view> names;
  for (Command const* command : session.services().commands.top_level()) {
    if (fits(*command)) names.push_back(command->full_name);
    for (Command const* subcommand : command->subcommands) {
      if (fits(*subcommand)) names.push_back(subcommand->full_name);
    }
  }
  reply.array(names.size());
  for (std::string_view name : names) reply.bulk(name);
}

#define HOLDFAST_ROW(full_name, count) \
  .name = full_name, .arity = count, .flags = "loading stale", .keys = "", .categories = "connection"

constexpr CommandRow kCommandCommandRows[] = {
    {HOLDFAST_ROW("command", -1), .tips = "nondeterministic_output_order", .group = "server", .since = "2.8.13",
     .complexity = "O(N) where N is the number of commands", .summary = "Describes all commands.", .syntax = "",
     .handler = &cmd_command},
    {HOLDFAST_ROW("command|count", 2), .tips = "", .group = "server", .since = "2.8.13", .complexity = "O(1)",
     .summary = "Tells how many commands there are.", .syntax = "", .handler = &cmd_command_count},
    {HOLDFAST_ROW("command|docs", -2), .tips = "nondeterministic_output_order", .group = "server", .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands asked for",
     .summary = "Explains commands: what they do, since when, and their arguments.",
     .syntax = "[command-name:string...]", .handler = &cmd_command_docs},
    {HOLDFAST_ROW("command|getkeys", -4), .tips = "", .group = "server", .since = "2.8.13",
     .complexity = "O(N) where N is the number of arguments", .summary = "Finds the keys in a command.",
     .syntax = "command:string [arg:string...]", .handler = &cmd_command_getkeys},
    {HOLDFAST_ROW("command|getkeysandflags", -4), .tips = "", .group = "server", .since = "7.0.0",
     .complexity = "O(N) where N is the number of arguments",
     .summary = "Finds the keys in a command, and what it does with each.", .syntax = "command:string [arg:string...]",
     .handler = &cmd_command_getkeysandflags},
    {HOLDFAST_ROW("command|help", 2), .tips = "", .group = "server", .since = "5.0.0", .complexity = "O(1)",
     .summary = "Prints this help.", .syntax = "", .handler = &cmd_help<kCommand>},
    {HOLDFAST_ROW("command|info", -2), .tips = "nondeterministic_output_order", .group = "server", .since = "2.8.13",
     .complexity = "O(N) where N is the number of commands asked for",
     .summary = "Describes commands for programs: arity, flags, keys.", .syntax = "[command-name:string...]",
     .handler = &cmd_command_info, .history = "7.0.0: Describes all commands when no name is given."},
    {HOLDFAST_ROW("command|list", -2), .tips = "nondeterministic_output_order", .group = "server", .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands", .summary = "Lists the names of the commands.",
     .syntax = "[FILTERBY filterby:oneof(MODULE module-name:string | ACLCAT category:string | PATTERN pattern:pattern)]",
     .handler = &cmd_command_list},
};

#undef HOLDFAST_ROW

}  // namespace

CommandRows command_commands() { return kCommandCommandRows; }

}  // namespace holdfast
