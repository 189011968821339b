#include "admin/help.h"

#include <algorithm>
#include <string>
#include <vector>

#include "admin/command_syntax.h"
#include "base/check.h"
#include "base/strings.h"
#include "command/command_table.h"

namespace holdfast {
namespace {

/// Of an error that shows what a client sent, bytes.
constexpr size_t kShownBytesMax = 128;

void reply_line_pair(Command const& subcommand, size_t prefix, Reply& reply) {
  auto const arguments = parse_command_syntax(subcommand.row->syntax);
  CHECK(arguments);
  std::string line = to_upper(std::string_view(subcommand.full_name).substr(prefix));
  if (!arguments->empty()) line += " " + describe_arguments(*arguments);
  reply.status(line);
  reply.status("    " + std::string(subcommand.row->summary));
}

}  // namespace

void reply_help(Session& session, std::string_view container, Reply& reply) {
  Command const* const parent = session.services().commands.find_full_original(container);
  CHECK(parent);
  std::vector<Command const*> subcommands(parent->subcommands.begin(), parent->subcommands.end());
  // HELP comes last, the others by name.
  size_t const prefix = container.size() + 1;
  std::ranges::sort(subcommands, {}, [&](Command const* command) {
    return std::pair(std::string_view(command->full_name).substr(prefix) == "help", command->full_name);
  });
  reply.array(1 + 2 * subcommands.size());
  reply.status(to_upper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (Command const* subcommand : subcommands) reply_line_pair(*subcommand, prefix, reply);
}

void reply_wrong_arguments(Args args, Reply& reply) {
  reply.error("unknown subcommand or wrong number of arguments for '" + std::string(until_zero_byte(args[1]).substr(0, kShownBytesMax)) +
              "'. Try " + to_upper(args[0]) + " HELP.");
}

}  // namespace holdfast
