#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acl/users.h"
#include "base/result.h"
#include "disk/disk.h"

namespace holdfast::acl {

/// The users of an ACL file: one line each, "user <name> <rule>...", blank lines between. The message names all that is wrong,
/// in the words of ACL LOAD; `path` is only shown.
Result<std::vector<User>> parse_users(std::string const& path, std::string_view text, RuleContext const& context);

/// The lines of all users, as ACL SAVE and CONFIG REWRITE write them, without line ends.
std::vector<std::string> user_lines(Users const& users);

/// Reads the file and takes its users, all or none.
Status load_users(Disk& disk, std::string const& path, Users& users);
/// Replaces the file, at once and durably.
Status save_users(Disk& disk, std::string const& path, Users const& users);

}  // namespace holdfast::acl
