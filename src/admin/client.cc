#include "admin/client.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "admin/client_filter.h"
#include "command/client_line.h"
#include "admin/help.h"
#include "base/clock.h"
#include "base/strings.h"
#include "base/number.h"
#include "command/client_card.h"
#include "command/errors.h"
#include "command/pause.h"
#include "command/session.h"
#include "command/task.h"

namespace holdfast {
namespace {

constexpr char kClient[] = "client";

/// Names and library texts go into lines whose fields are separated by blanks.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

void cmd_client_id(Session& session, Args, Reply& reply) { reply.integer(static_cast<int64_t>(session.card().id)); }

void cmd_client_setname(Session& session, Args args, Reply& reply) {
  if (!is_plain(args[2])) {
    return reply.error("Client names cannot contain spaces, newlines or special characters.");
  }
  session.card().set_name(std::string(args[2]));
  reply.ok();
}

void cmd_client_getname(Session& session, Args, Reply& reply) {
  std::string const name = session.card().name();
  name.empty() ? reply.null() : reply.bulk(name);
}

void cmd_client_setinfo(Session& session, Args args, Reply& reply) {
  bool const is_name = args.is(2, "LIB-NAME");
  if (!is_name && !args.is(2, "LIB-VER")) return reply.error("Unrecognized option '" + std::string(args[2]) + "'");
  if (!is_plain(args[3])) {
    return reply.error(std::string(is_name ? "lib-name" : "lib-ver") +
                       " cannot contain spaces, newlines or special characters.");
  }
  auto [name, version] = session.card().library();
  (is_name ? name : version) = args[3];
  session.card().set_library(std::move(name), std::move(version));
  reply.ok();
}

/// Shows the arguments of the present command as memory of its connection, while it looks at itself.
class ShownArguments {
 public:
  ShownArguments(Session& session, Args args) : shown_(session.card().argument_bytes) {
    shown_.store(args.bytes(), std::memory_order_relaxed);
  }
  ~ShownArguments() { shown_.store(0, std::memory_order_relaxed); }
  ShownArguments(ShownArguments const&) = delete;
  ShownArguments& operator=(ShownArguments const&) = delete;

 private:
  std::atomic<uint64_t>& shown_;
};

void cmd_client_info(Session& session, Args args, Reply& reply) {
  ShownArguments const shown(session, args);
  Services& services = session.services();
  reply.verbatim("txt", client_line(session.card(), services.commands, services.clock.unix_ms()));
}

void cmd_client_list(Session& session, Args args, Reply& reply) {
  ShownArguments const shown(session, args);
  Services& services = session.services();
  int64_t const now_ms = services.clock.unix_ms();
  std::string lines;
  if (args.size() == 2) {
    for (auto const& card : services.clients.list()) lines += client_line(*card, services.commands, now_ms);
  } else if (args.size() == 4 && args.is(2, "TYPE")) {
    auto const type = parse_client_type(args[3]);
    if (!type) return reply.error("Unknown client type '" + std::string(until_zero_byte(args[3])) + "'");
    for (auto const& card : services.clients.list()) {
      if (client_type(*card) == *type) lines += client_line(*card, services.commands, now_ms);
    }
  } else if (args.size() > 3 && args.is(2, "ID")) {
    for (size_t i = 3; i < args.size(); i++) {
      auto const id = args.integer(i, reply, "Invalid client ID");
      if (!id) return;
      auto const card = services.clients.find(static_cast<uint64_t>(*id));
      if (card) lines += client_line(*card, services.commands, now_ms);
    }
  } else {
    return reply.error(errors::kSyntax);
  }
  reply.verbatim("txt", lines);
}

/// Closes the connections that fit; the one that asks after its reply. Returns how many.
int64_t kill(Session& session, ClientFilter const& filter) {
  Services& services = session.services();
  uint64_t const own_id = session.card().id;
  int64_t killed = 0;
  for (auto const& card : services.clients.list()) {
    if (!filter.matches(*card, own_id)) continue;
    if (card->id == own_id) {
      session.close_after_reply();
    } else if (!card->killed.exchange(true, std::memory_order_relaxed)) {
      services.clients.close_connection(*card);
    } else {
      continue;  // another CLIENT KILL was quicker
    }
    killed++;
  }
  return killed;
}

void cmd_client_kill(Session& session, Args args, Reply& reply) {
  if (args.size() == 3) {
    ClientFilter filter{.address = std::string(args[2]), .skip_me = false};
    return kill(session, filter) ? reply.ok() : reply.error("No such client");
  }
  Result<ClientFilter> const filter = ClientFilter::parse(args, 2, session.services().users);
  if (!filter) return reply.error(filter.error().message);
  reply.integer(kill(session, *filter));
}

void cmd_client_reply(Session& session, Args args, Reply& reply) {
  if (args.is(2, "ON")) {
    session.reply_mode = Session::ReplyMode::kOn;
    reply.set_muted(false);
    reply.ok();
  } else if (args.is(2, "OFF")) {
    session.reply_mode = Session::ReplyMode::kOff;
    reply.set_muted(true);
  } else if (args.is(2, "SKIP")) {
    if (session.reply_mode != Session::ReplyMode::kOff) session.reply_mode = Session::ReplyMode::kSkipNext;
  } else {
    reply.error(errors::kSyntax);
  }
}

std::optional<bool> on_or_off(Args args, size_t index, Reply& reply) {
  bool const on = args.is(index, "ON");
  if (!on && !args.is(index, "OFF")) {
    reply.error(errors::kSyntax);
    return std::nullopt;
  }
  return on;
}

void cmd_client_no_evict(Session& session, Args args, Reply& reply) {
  auto const on = on_or_off(args, 2, reply);
  if (!on) return;
  session.card().no_evict.store(*on, std::memory_order_relaxed);
  reply.ok();
}

void cmd_client_no_touch(Session& session, Args args, Reply& reply) {
  auto const on = on_or_off(args, 2, reply);
  if (!on) return;
  session.touch_keys = !*on;
  session.card().no_touch.store(*on, std::memory_order_relaxed);
  reply.ok();
}

/// Answers only when no command that was let in before the pause is still under way: from the reply on nothing is written.
class PauseTask final : public Task {
 public:
  Progress step(TaskSlice& slice) override {
    // The gate looks at the pause again under the locks, so having held all of them once is enough.
    if (!slice.with_all_partitions([](Txn&) {})) return Progress::kWait;
    slice.reply().ok();
    return Progress::kDone;
  }
};

/// The length of a pause in milliseconds, or empty after an error reply.
std::optional<int64_t> pause_length(Args args, int64_t now_ms, Reply& reply) {
  auto const ms = args.integer(2, reply, "timeout is not an integer or out of range");
  if (!ms) return std::nullopt;
  if (*ms >= 0 && *ms <= std::numeric_limits<int64_t>::max() - now_ms) return ms;
  reply.error(*ms < 0 ? "timeout is negative" : "timeout is out of range");
  return std::nullopt;
}

std::unique_ptr<Task> cmd_client_pause(Session& session, Args args, Reply& reply) {
  auto mode = Pause::Mode::kAll;
  if (args.size() > 4) {
    reply_wrong_arguments(args, reply);
    return nullptr;
  }
  if (args.size() == 4 && args.is(3, "WRITE")) {
    mode = Pause::Mode::kWrite;
  } else if (args.size() == 4 && !args.is(3, "ALL")) {
    reply.error("CLIENT PAUSE mode must be WRITE or ALL");
    return nullptr;
  }
  int64_t const now_ms = session.services().clock.unix_ms();
  auto const ms = pause_length(args, now_ms, reply);
  if (!ms) return nullptr;
  session.services().pause.start(Pause::Purpose::kClient, mode, now_ms, now_ms + *ms);
  return std::make_unique<PauseTask>();
}

void cmd_client_unpause(Session& session, Args, Reply& reply) {
  session.services().pause.stop(Pause::Purpose::kClient);
  reply.ok();
}

void cmd_client_unblock(Session& session, Args args, Reply& reply) {
  if (args.size() > 4) return reply_wrong_arguments(args, reply);
  if (args.size() > 3 && !args.is(3, "TIMEOUT") && !args.is(3, "ERROR")) {
    return reply.error("CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  std::optional<int64_t> const id = args.integer(2, reply);
  if (!id) return;
  auto const card = session.services().clients.find(static_cast<uint64_t>(*id));
  auto const unblockable = card ? card->unblockable() : nullptr;
  auto const reason = args.size() == 4 && args.is(3, "ERROR") ? Unblockable::Reason::kError : Unblockable::Reason::kTimeout;
  reply.integer(unblockable && unblockable->unblock(reason) ? 1 : 0);
}

#define HOLDFAST_PLAIN "noscript loading stale"
#define HOLDFAST_ADMIN "admin noscript loading stale"

constexpr CommandRow kClientRows[] = {
    {.name = "client", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "connection",
     .since = "2.4.0", .complexity = "Depends on the subcommand.", .summary = "Commands about client connections.",
     .syntax = ""},
    {.name = "client|getname", .arity = 2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "2.6.9", .complexity = "O(1)", .summary = "Tells the name of this connection.",
     .syntax = "", .handler = &cmd_client_getname},
    {.name = "client|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "5.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kClient>},
    {.name = "client|id", .arity = 2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "5.0.0", .complexity = "O(1)", .summary = "Tells the number of this connection.",
     .syntax = "", .handler = &cmd_client_id},
    {.name = "client|info", .arity = 2, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection",
     .tips = "nondeterministic_output", .group = "connection", .since = "6.2.0", .complexity = "O(1)",
     .summary = "Describes this connection in one line.", .syntax = "", .handler = &cmd_client_info},
    {.name = "client|kill", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "2.4.0", .complexity = "O(N) where N is the number of connections",
     .summary = "Closes the connections that fit an address or all given filters.",
     .syntax = "filter:oneof(old-format:string | new-format:oneof([ID client-id:integer@2.8.12] | "
               "[TYPE client-type:oneof(NORMAL | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | PUBSUB)@2.8.12] | "
               "[USER username:string] | [ADDR addr:string] | [LADDR laddr:string@6.2.0] | "
               "[SKIPME skipme:oneof(YES | NO)])...)",
     .handler = &cmd_client_kill,
     .history = "2.8.12: Added filters, the first of them ID.; 2.8.12: Added the TYPE filter.; "
                "3.2.0: Added the type MASTER.; 5.0.0: REPLICA is another word for SLAVE.; 6.2.0: Added the LADDR filter."},
    {.name = "client|list", .arity = -2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection",
     .tips = "nondeterministic_output", .group = "connection", .since = "2.4.0",
     .complexity = "O(N) where N is the number of connections", .summary = "Describes all connections, a line for each.",
     .syntax = "[TYPE client-type:oneof(NORMAL | MASTER | REPLICA | PUBSUB)@5.0.0] [ID client-id:integer...@6.2.0]",
     .handler = &cmd_client_list,
     .history = "2.8.12: Added the unique id of each connection.; 5.0.0: Added the TYPE filter.; "
                "6.0.0: Added the user field.; 6.2.0: Added argv-mem, tot-mem, laddr and redir, and the ID filter.; "
                "7.0.0: Added resp, multi-mem, rbs and rbp.; 7.2.0: Added lib-name and lib-ver."},
    {.name = "client|no-evict", .arity = 3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "7.0.0", .complexity = "O(1)",
     .summary = "Spares this connection when connections are closed for want of memory.",
     .syntax = "enabled:oneof(ON | OFF)", .handler = &cmd_client_no_evict},
    {.name = "client|no-touch", .arity = 3, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "7.2.0", .complexity = "O(1)",
     .summary = "Leaves the access time of keys alone when this connection reads them.",
     .syntax = "enabled:oneof(ON | OFF)", .handler = &cmd_client_no_touch},
    {.name = "client|pause", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "2.9.50", .complexity = "O(1)",
     .summary = "Holds back the commands of all clients, or the writing ones, for a time.",
     .syntax = "timeout:integer [mode:oneof(WRITE | ALL)@6.2.0]", .handler = &cmd_client_pause,
     .history = "6.2.0: Added the mode, and the WRITE mode."},
    {.name = "client|reply", .arity = 3, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "3.2.0", .complexity = "O(1)", .summary = "Switches replies on, off, or off once.",
     .syntax = "action:oneof(ON | OFF | SKIP)", .handler = &cmd_client_reply},
    {.name = "client|setinfo", .arity = 4, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection",
     .tips = "request_policy:all_nodes; response_policy:all_succeeded", .group = "connection", .since = "7.2.0",
     .complexity = "O(1)", .summary = "Notes the name or the version of the client library.",
     .syntax = "attr:oneof(LIB-NAME libname:string | LIB-VER libver:string)", .handler = &cmd_client_setinfo},
    {.name = "client|setname", .arity = 3, .flags = HOLDFAST_PLAIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "2.6.9", .complexity = "O(1)", .summary = "Names this connection.",
     .syntax = "connection-name:string", .handler = &cmd_client_setname},
    {.name = "client|unblock", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "5.0.0", .complexity = "O(log N) where N is the number of connections",
     .summary = "Ends the waiting of another connection.",
     .syntax = "client-id:integer [unblock-type:oneof(TIMEOUT | ERROR)]", .handler = &cmd_client_unblock},
    {.name = "client|unpause", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "6.2.0", .complexity = "O(N) where N is the number of held connections",
     .summary = "Ends a pause before its time.", .syntax = "", .handler = &cmd_client_unpause},
};

#undef HOLDFAST_PLAIN
#undef HOLDFAST_ADMIN

}  // namespace

CommandRows client_commands() { return kClientRows; }

}  // namespace holdfast
