#pragma once

#include <string_view>

#include "command/args.h"
#include "command/session.h"
#include "resp/reply.h"

namespace holdfast {

/// `<CONTAINER> HELP`: made of the rows of the container's subcommands, their syntax and their summary.
void reply_help(Session& session, std::string_view container, Reply& reply);

/// The error of a subcommand that exists and was given too many arguments.
void reply_wrong_arguments(Args args, Reply& reply);

/// The handler of a `<container>|help` row.
template <char const* kContainer>
void cmd_help(Session& session, Args, Reply& reply) {
  reply_help(session, kContainer, reply);
}

}  // namespace holdfast
