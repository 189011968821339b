#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "acl/access_log.h"
#include "acl/user.h"
#include "command/args.h"
#include "command/command_table.h"

namespace holdfast {

class Session;

/// Why a user may not run a command.
struct Denial {
  acl::Reason reason;
  size_t argument = 0;  ///< the key or channel
};

/// Whether some selector of the user allows the command with these arguments. Of several reasons the one of the selector that
/// came farthest.
std::optional<Denial> find_denial(acl::User const& user, Command const& command, Args args);
/// As find_denial, and with the right to use every key so (acl::KeyUse).
bool allows_with_all_keys(acl::User const& user, Command const& command, Args args, uint8_t use);

/// What the command does with a key of this specification, where its arguments decide that.
std::vector<std::string_view> key_flags(Command const& command, Args args, KeySpec const& spec);

/// Whether the session's user may run the command; a denial is noted in the log.
std::optional<Denial> check_access(Session& session, Command const& command, Args args, acl::Context context);
/// A login that failed. The name is that of who wanted to be let in, the object the command that it was tried with.
void note_failed_login(Session& session, std::string_view user, std::string_view command);

/// The error of a command that is refused at once / inside EXEC / when a script calls it.
std::string denied_text(Denial denial, Command const& command);
std::string denied_in_exec_text(Denial denial);
std::string_view denied_in_script_text(Denial denial);

}  // namespace holdfast
