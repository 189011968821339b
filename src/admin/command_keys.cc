#include "admin/command_keys.h"

#include <algorithm>
#include <string>
#include <vector>

#include "command/access.h"
#include "command/command_table.h"

namespace holdfast {
namespace {

bool has_keys(Command const& command) {
  return std::ranges::any_of(command.key_specs, [](KeySpec const& spec) { return !spec.not_key; });
}

Command const* find_command(CommandTable const& commands, Args args) {
  Command const* command = commands.find(args[0]);
  if (!command || command->subcommands.empty()) return command;
  return args.size() > 1 ? commands.find_subcommand(*command, args[1]) : nullptr;
}

/// The keys, or an error reply and null.
std::unique_ptr<KeyPositions> find_keys(Command const* command, Args args, Reply& reply) {
  auto error = [&](std::string_view text) {
    reply.error(text);
    return nullptr;
  };
  if (!command) return error("Invalid command specified");
  if (!has_keys(*command)) return error("The command has no key arguments");
  if (!command->arity_fits(args.size())) return error("Invalid number of arguments specified for command");
  auto keys = std::make_unique<KeyPositions>();
  CommandTable::find_keys(*command, args, *keys);
  std::erase_if(keys->positions, [](KeyPositions::Position const& position) { return position.spec->not_key; });
  if (!keys->valid) keys->positions.clear();
  if (keys->positions.empty() && !command->has(kNoMandatoryKeys)) {
    return error("Invalid arguments specified for command");
  }
  return keys;
}

void reply_keys(Session& session, Args all, Reply& reply, bool with_flags) {
  Args const args(all.span().subspan(2));
  Command const* const command = find_command(session.services().commands, args);
  auto const keys = find_keys(command, args, reply);
  if (!keys) return;
  reply.array(keys->positions.size());
  for (auto const& [index, spec] : keys->positions) {
    if (!with_flags) {
      reply.bulk(args[index]);
      continue;
    }
    reply.array(2);
    reply.bulk(args[index]);
    std::vector<std::string_view> const flags = key_flags(*command, args, *spec);
    reply.set(flags.size());
    for (std::string_view flag : flags) reply.status(flag);
  }
}

}  // namespace

void cmd_command_getkeys(Session& session, Args args, Reply& reply) { reply_keys(session, args, reply, false); }
void cmd_command_getkeysandflags(Session& session, Args args, Reply& reply) { reply_keys(session, args, reply, true); }

}  // namespace holdfast
