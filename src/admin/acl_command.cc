#include "admin/acl_command.h"

#include <algorithm>
#include <string>
#include <vector>

#include "acl/users_file.h"
#include "admin/help.h"
#include "base/random.h"
#include "base/strings.h"
#include "command/access.h"
#include "command/command_table.h"

namespace holdfast {
namespace {

constexpr char kAcl[] = "acl";
/// ACL GENPASS.
constexpr int64_t kDefaultBits = 256;
constexpr int64_t kBitsMax = 4096;
constexpr int64_t kBitsPerDigit = 4;

void cmd_acl_whoami(Session& session, Args, Reply& reply) { reply.bulk(session.user() ? session.user()->name() : ""); }

void cmd_acl_users(Session& session, Args, Reply& reply) {
  auto const users = session.services().users.list();
  reply.array(users.size());
  for (auto const& user : users) reply.bulk(user->name());
}

void cmd_acl_list(Session& session, Args, Reply& reply) {
  auto const lines = acl::user_lines(session.services().users);
  reply.array(lines.size());
  for (std::string const& line : lines) reply.bulk(line);
}

void reply_selector(acl::Selector const& selector, acl::Catalog const& catalog, Reply& reply) {
  reply.field("commands", selector.commands().text(catalog));
  reply.field("keys", selector.keys_text());
  reply.field("channels", selector.channels_text());
}

void cmd_acl_getuser(Session& session, Args args, Reply& reply) {
  acl::Users const& users = session.services().users;
  auto const user = users.find(args[2]);
  if (!user) return reply.null();
  reply.map(6);
  reply.bulk("flags");
  auto const flags = user->flags();
  reply.set(flags.size());
  for (std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("passwords");
  reply.array(user->passwords().size());
  for (std::string const& password : user->passwords()) reply.bulk(password);
  reply_selector(user->selectors().front(), users.catalog(), reply);
  reply.bulk("selectors");
  reply.array(user->selectors().size() - 1);
  for (size_t i = 1; i < user->selectors().size(); i++) {
    reply.map(3);
    reply_selector(user->selectors()[i], users.catalog(), reply);
  }
}

/// The user of this connection has changed: others are told by mail, this one answers first.
void follow_own_user(Session& session) {
  if (!session.follow_user()) session.close_after_reply();
}

void cmd_acl_setuser(Session& session, Args args, Reply& reply) {
  Status const changed = session.services().users.change(args[2], args.span().subspan(3));
  changed ? reply.ok() : reply.error(changed.error().message);
  follow_own_user(session);
}

void cmd_acl_deluser(Session& session, Args args, Reply& reply) {
  auto const names = args.span().subspan(2);
  if (std::ranges::find(names, "default") != names.end()) return reply.error("The 'default' user cannot be removed");
  int64_t removed = 0;
  for (std::string_view name : names) removed += session.services().users.remove(name);
  reply.integer(removed);
  follow_own_user(session);
}

void cmd_acl_cat(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) return reply_wrong_arguments(args, reply);
  acl::Catalog const& catalog = session.services().users.catalog();
  if (args.size() == 2) {
    reply.array(catalog.categories().size());
    for (std::string const& name : catalog.categories()) reply.bulk(name);
    return;
  }
  auto const category = catalog.category(args[2]);
  if (!category) return reply.error("Unknown category '" + std::string(until_zero_byte(args[2])) + "'");
  std::vector<std::string_view> names;
  for (uint16_t id : catalog.by_name()) {
    if (catalog.in_category(id, *category)) names.push_back(catalog.command(id).name);
  }
  reply.array(names.size());
  for (std::string_view name : names) reply.bulk(name);
}

void cmd_acl_genpass(Session&, Args args, Reply& reply) {
  if (args.size() > 3) return reply_wrong_arguments(args, reply);
  int64_t bits = kDefaultBits;
  if (args.size() == 3) {
    auto const asked = args.integer(2, reply);
    if (!asked) return;
    if (*asked <= 0 || *asked > kBitsMax) {
      return reply.error("ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096");
    }
    bits = *asked;
  }
  reply.bulk(system_random_hex(static_cast<size_t>((bits + kBitsPerDigit - 1) / kBitsPerDigit)));
}

void cmd_acl_dryrun(Session& session, Args args, Reply& reply) {
  Services& services = session.services();
  auto const user = services.users.find(args[2]);
  if (!user) return reply.error("User '" + std::string(until_zero_byte(args[2])) + "' not found");
  Args const dry(args.span().subspan(3));
  Command const* command = services.commands.find(dry[0]);
  if (command && !command->subcommands.empty() && dry.size() > 1) {
    command = services.commands.find_subcommand(*command, dry[1]);
  }
  if (!command) return reply.error("Command '" + std::string(until_zero_byte(dry[0])) + "' not found");
  if (!command->arity_fits(dry.size())) {
    return reply.error("wrong number of arguments for '" + command->full_name + "' command");
  }
  auto const denial = find_denial(*user, *command, dry);
  if (!denial) return reply.ok();
  std::string text = "This user has no permissions to ";
  switch (denial->reason) {
    case acl::Reason::kCommand:
    case acl::Reason::kAuth: text += "run the '" + command->full_name + "' command"; break;
    case acl::Reason::kKey: text += "access the '" + std::string(dry[denial->argument]) + "' key"; break;
    case acl::Reason::kChannel: text += "access the '" + std::string(dry[denial->argument]) + "' channel"; break;
  }
  reply.bulk(text);
}

#define HOLDFAST_PLAIN "noscript loading stale"
#define HOLDFAST_ADMIN "admin noscript loading stale"

constexpr CommandRow kAclRows[] = {
    {.name = "acl", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server", .since = "6.0.0",
     .complexity = "Depends on the subcommand.", .summary = "Commands about users and what they may do.", .syntax = ""},
    {.name = "acl|cat", .arity = -2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of commands",
     .summary = "Tells the categories, or the commands in one of them.", .syntax = "[categoryname:string]",
     .handler = &cmd_acl_cat},
    {.name = "acl|deluser", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of connections",
     .summary = "Removes users and closes their connections.", .syntax = "username:string...", .handler = &cmd_acl_deluser},
    {.name = "acl|dryrun", .arity = -4, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "7.0.0", .complexity = "O(N) where N is the number of rules and arguments",
     .summary = "Tells whether a user may run a command, without running it.",
     .syntax = "username:string command:string [arg:string...]", .handler = &cmd_acl_dryrun},
    {.name = "acl|genpass", .arity = -2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(1)", .summary = "Makes a password that nobody can guess.", .syntax = "[bits:integer]",
     .handler = &cmd_acl_genpass},
    {.name = "acl|getuser", .arity = 3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of commands and of the user's rules",
     .summary = "Tells the rules of a user.", .syntax = "username:string", .handler = &cmd_acl_getuser,
     .history = "6.2.0: Added channel patterns.; 7.0.0: Added selectors, and key and channel patterns are told as rules."},
    {.name = "acl|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "", .handler = &cmd_help<kAcl>},
    {.name = "acl|list", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of users",
     .summary = "Tells all users as lines of a configuration file.", .syntax = "", .handler = &cmd_acl_list},
    {.name = "acl|load", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of users",
     .summary = "Replaces all users by those of the ACL file.", .syntax = "", .handler = &cmd_acl_load},
    {.name = "acl|log", .arity = -2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of entries told",
     .summary = "Tells what was refused last, or forgets it.",
     .syntax = "[operation:oneof(count:integer | RESET)]", .handler = &cmd_acl_log},
    {.name = "acl|save", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of users", .summary = "Writes all users to the ACL file.",
     .syntax = "", .handler = &cmd_acl_save},
    {.name = "acl|setuser", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of rules",
     .summary = "Makes a user or changes it, by all rules or none.", .syntax = "username:string [rule:string...]",
     .handler = &cmd_acl_setuser,
     .history = "6.2.0: Added channel patterns.; 7.0.0: Added selectors and permissions by key."},
    {.name = "acl|users", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(N) where N is the number of users", .summary = "Tells the names of all users.",
     .syntax = "", .handler = &cmd_acl_users},
    {.name = "acl|whoami", .arity = 2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.0.0", .complexity = "O(1)", .summary = "Tells the user of this connection.", .syntax = "",
     .handler = &cmd_acl_whoami},
};

#undef HOLDFAST_PLAIN
#undef HOLDFAST_ADMIN

}  // namespace

CommandRows acl_commands() { return kAclRows; }

}  // namespace holdfast
