#pragma once

#include <span>
#include <string_view>

#include "command/args.h"
#include "resp/reply.h"

namespace holdfast {

/// A subcommand in the help of XGROUP and XINFO.
struct StreamHelpLine {
  std::string_view call;
  std::string_view text;
};
void reply_stream_help(std::string_view container, std::span<StreamHelpLine const> lines, Reply& reply);

/// The error of a subcommand with arguments that it does not take.
void reply_unknown_stream_option(Args args, Reply& reply);
/// The errors of a group that is not there.
void reply_no_such_group(std::string_view group, std::string_view key, Reply& reply);
void reply_no_such_key_or_group(std::string_view key, std::string_view group, Reply& reply);

}  // namespace holdfast
