#include "command/access.h"

#include <algorithm>

#include "acl/users.h"
#include "command/client_line.h"
#include "command/session.h"
#include "config/config.h"

namespace holdfast {
namespace {

/// BITFIELD only reads if all of its operations are GET; what is no operation counts as one that writes.
bool bit_field_reads(Args args) {
  for (size_t i = 2; i < args.size(); i++) {
    size_t const left = args.size() - i - 1;
    if (args.is(i, "GET") && left >= 2) {
      i += 2;
    } else if (args.is(i, "OVERFLOW") && left >= 1) {
      i++;
    } else {
      return false;
    }
  }
  return true;
}

bool set_gets(Args args) {
  for (size_t i = 3; i < args.size(); i++) {
    if (args.is(i, "GET")) return true;
  }
  return false;
}

uint8_t key_use(Command const& command, Args args, KeySpec const& spec) {
  if (!spec.variable_flags) {
    return static_cast<uint8_t>((spec.reads ? acl::kReads : 0) | (spec.writes ? acl::kWrites : 0));
  }
  uint8_t use = acl::kUsesNothing;
  for (std::string_view flag : key_flags(command, args, spec)) {
    if (flag == "access") use |= acl::kReads;
    if (flag == "insert" || flag == "update" || flag == "delete") use |= acl::kWrites;
  }
  return use;
}

bool allows_command(acl::Selector const& selector, Command const& command, Args args) {
  if (command.has(kNoAuth) || selector.commands().allows(command.id)) return true;
  size_t const first = command.parent ? 2 : 1;
  return args.size() > first && selector.commands().allows_argument(command.id, args[first]);
}

/// The keys and channels of one command, found once for all selectors.
class Objects {
 public:
  Objects(Command const& command, Args args) : command_(command), args_(args) {}

  std::optional<Denial> denied_key(acl::Selector const& selector) {
    if (selector.all_keys() || command_.key_specs.empty()) return std::nullopt;
    if (!found_) CommandTable::find_keys(command_, args_, keys_);
    found_ = true;
    for (auto const& [index, spec] : keys_.positions) {
      if (spec->not_key || selector.allows_key(args_[index], key_use(command_, args_, *spec))) continue;
      return Denial{acl::Reason::kKey, index};
    }
    return std::nullopt;
  }

  std::optional<Denial> denied_channel(acl::Selector const& selector) const {
    if (selector.all_channels() || !command_.has(kPublishes | kListens | kListensPatterns)) return std::nullopt;
    size_t const end = command_.has(kPublishes) ? std::min<size_t>(2, args_.size()) : args_.size();
    for (size_t i = 1; i < end; i++) {
      if (!selector.allows_channel(args_[i], command_.has(kListensPatterns))) return Denial{acl::Reason::kChannel, i};
    }
    return std::nullopt;
  }

 private:
  Command const& command_;
  Args args_;
  KeyPositions keys_;
  bool found_ = false;
};

void note(Session& session, acl::AccessLog::Entry entry) {
  Services& services = session.services();
  int64_t const now_ms = services.clock.unix_ms();
  entry.client = client_line(session.card(), services.commands, now_ms);
  entry.client.pop_back();  // its line end
  auto const entries_max = static_cast<size_t>(services.config.integer(config::Directive::kAcllogMaxLen));
  services.access_log.add(std::move(entry), now_ms, entries_max);
}

std::optional<Denial> find_denial(acl::Selector const& selector, Command const& command, Args args, Objects& objects) {
  if (!allows_command(selector, command, args)) return Denial{acl::Reason::kCommand};
  if (auto const denial = objects.denied_key(selector)) return denial;
  return objects.denied_channel(selector);
}

}  // namespace

std::vector<std::string_view> key_flags(Command const& command, Args args, KeySpec const& spec) {
  if (spec.variable_flags && command.full_name == "set") {
    if (set_gets(args)) return {"RW", "access", "update"};
    return {"OW", "update"};
  }
  if (spec.variable_flags && command.full_name == "bitfield") {
    if (bit_field_reads(args)) return {"RO", "access"};
    return {"RW", "access", "update"};
  }
  std::vector<std::string_view> flags;
  for (std::string const& flag : spec.flags) {
    if (flag != "variable_flags") flags.push_back(flag);
  }
  return flags;
}

std::optional<Denial> find_denial(acl::User const& user, Command const& command, Args args) {
  if (user.unrestricted()) return std::nullopt;
  Objects objects(command, args);
  Denial worst{acl::Reason::kCommand};
  for (acl::Selector const& selector : user.selectors()) {
    auto const denial = find_denial(selector, command, args, objects);
    if (!denial) return std::nullopt;
    bool const farther =
        denial->reason > worst.reason || (denial->reason == worst.reason && denial->argument > worst.argument);
    if (farther) worst = *denial;
  }
  return worst;
}

bool allows_with_all_keys(acl::User const& user, Command const& command, Args args, uint8_t use) {
  Objects objects(command, args);
  return std::ranges::any_of(user.selectors(), [&](acl::Selector const& selector) {
    return selector.allows_all_keys(use) && !find_denial(selector, command, args, objects);
  });
}

std::optional<Denial> check_access(Session& session, Command const& command, Args args, acl::Context context) {
  if (!session.user()) return std::nullopt;
  auto const denial = find_denial(*session.user(), command, args);
  if (!denial) return std::nullopt;
  note(session, {.reason = denial->reason,
                 .context = context,
                 .object = denial->reason == acl::Reason::kCommand ? command.full_name : std::string(args[denial->argument]),
                 .username = session.user()->name()});
  return denial;
}

void note_failed_login(Session& session, std::string_view user, std::string_view command) {
  note(session, {.reason = acl::Reason::kAuth,
                 .context = session.executing_transaction ? acl::Context::kMulti : acl::Context::kTopLevel,
                 .object = std::string(command),
                 .username = std::string(user)});
}

std::string denied_text(Denial denial, Command const& command) {
  switch (denial.reason) {
    case acl::Reason::kKey: return "-NOPERM this user has no permissions to access one of the keys used as arguments";
    case acl::Reason::kChannel: return "-NOPERM this user has no permissions to access one of the channels used as arguments";
    case acl::Reason::kCommand:
    case acl::Reason::kAuth: break;
  }
  return "-NOPERM this user has no permissions to run the '" + command.full_name + "' command";
}

std::string denied_in_exec_text(Denial denial) {
  std::string const text =
      "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no "
      "longer allowed for the following reason: ";
  switch (denial.reason) {
    case acl::Reason::kKey: return text + "no permission to touch the specified keys";
    case acl::Reason::kChannel: return text + "no permission to access one of the channels used as arguments";
    case acl::Reason::kCommand:
    case acl::Reason::kAuth: break;
  }
  return text + "no permission to execute the command or subcommand";
}

std::string_view denied_in_script_text(Denial denial) {
  switch (denial.reason) {
    case acl::Reason::kKey:
      return "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments";
    case acl::Reason::kChannel: return "ERR The user executing the script can't publish to the channel mentioned in the command";
    case acl::Reason::kCommand:
    case acl::Reason::kAuth: break;
  }
  return "ERR The user executing the script can't run this command or subcommand";
}

}  // namespace holdfast
