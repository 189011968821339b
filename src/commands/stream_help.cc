#include "commands/stream_help.h"

#include <string>

#include "base/strings.h"

namespace holdfast {

void reply_stream_help(std::string_view container, std::span<StreamHelpLine const> lines, Reply& reply) {
  reply.array(2 * lines.size() + 3);
  reply.status(std::string(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (StreamHelpLine const& line : lines) {
    reply.status(line.call);
    reply.status("    " + std::string(line.text));
  }
  reply.status("HELP");
  reply.status("    Prints this help.");
}

void reply_unknown_stream_option(Args args, Reply& reply) {
  constexpr size_t kShownBytesMax = 128;
  reply.error("unknown subcommand or wrong number of arguments for '" + std::string(until_zero_byte(args[1]).substr(0, kShownBytesMax)) +
              "'. Try " + to_upper(args[0]) + " HELP.");
}

void reply_no_such_group(std::string_view group, std::string_view key, Reply& reply) {
  reply.error("-NOGROUP No such consumer group '" + std::string(until_zero_byte(group)) + "' for key name '" + std::string(until_zero_byte(key)) + "'");
}

void reply_no_such_key_or_group(std::string_view key, std::string_view group, Reply& reply) {
  reply.error("-NOGROUP No such key '" + std::string(until_zero_byte(key)) + "' or consumer group '" + std::string(until_zero_byte(group)) + "'");
}

}  // namespace holdfast
