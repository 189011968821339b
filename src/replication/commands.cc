#include "replication/commands.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/task.h"
#include "config/config.h"
#include "log/log.h"
#include "replication/proof_report.h"
#include "replication/replication.h"

namespace holdfast::replication {
namespace {

using config::Directive;

constexpr std::string_view kPositiveOnly = "value is out of range, must be positive";

Replication& replication_of(Session& session) { return *session.services().replication; }

// ---- REPLICAOF ----

/// Answers when the role has changed: what is sent behind it meets the new role.
class RoleChangeTask final : public Task {
 public:
  explicit RoleChangeTask(uint64_t change) : change_(change) {}
  Progress step(TaskSlice& slice) override {
    if (!slice.in_transaction() && !replication_of(slice.session()).settled(change_)) return Progress::kWait;
    slice.reply().ok();
    return Progress::kDone;
  }

 private:
  uint64_t change_;
};

std::unique_ptr<Task> cmd_replicaof(Session& session, Args args, Reply& reply) {
  Services& services = session.services();
  Replication& replication = replication_of(session);
  if (services.config.flag(Directive::kClusterEnabled)) {
    reply.error("REPLICAOF not allowed in cluster mode.");
    return nullptr;
  }
  if (replication.failover_state() != Replication::FailoverState::kNone) {
    reply.error("REPLICAOF not allowed while failing over.");
    return nullptr;
  }
  if (args.is(1, "NO") && args.is(2, "ONE")) {
    if (!replication.primary()) {
      reply.ok();
      return nullptr;
    }
    services.config.set_replica_of(std::nullopt);
    services.logger.notice("MASTER MODE enabled (user request from '%s')", session.card().address.c_str());
    return std::make_unique<RoleChangeTask>(replication.lead());
  }
  if (session.source) {
    reply.error("Command is not valid when client is a replica.");
    return nullptr;
  }
  auto const port = parse_int64(args[2]);
  if (!port || *port < 0 || *port > 65535) {
    reply.error("Invalid master port");
    return nullptr;
  }
  ReplicaOf const wanted{std::string(args[1]), static_cast<int>(*port)};
  auto const present = replication.primary();
  if (present && present->host == wanted.host && present->port == wanted.port) {
    services.logger.notice("REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.");
    reply.status("OK Already connected to specified master");
    return nullptr;
  }
  services.config.set_replica_of(wanted);
  services.logger.notice("REPLICAOF %s:%d enabled (user request from '%s')", wanted.host.c_str(), wanted.port,
                         session.card().address.c_str());
  return std::make_unique<RoleChangeTask>(replication.follow(wanted));
}

// ---- PSYNC, SYNC, REPLCONF ----

ReplicaFeed& introduced(Session& session) {
  if (!session.introduced) session.introduced = replication_of(session).replicas().make_feed(session.shared_card());
  return *session.introduced;
}

void synchronize(Session& session, std::optional<Replication::Wish> const& wish, Reply& reply) {
  introduced(session);
  if (!reply.buffer().empty()) {
    return reply.error("SYNC and PSYNC are invalid with pending output");
  }
  Replication::Answer const answer = replication_of(session).synchronize(session.introduced, wish);
  if (!answer.accepted) return reply.error(answer.line);
  reply.buffer().append(answer.line);
  session.source = session.introduced;
  session.card().replica.store(true, std::memory_order_relaxed);
}

/// PSYNC ... FAILOVER: goes on when this server leads.
class TakeOverTask final : public Task {
 public:
  TakeOverTask(uint64_t change, std::string id, int64_t offset) : change_(change), id_(std::move(id)), offset_(offset) {}
  Progress step(TaskSlice& slice) override {
    if (!replication_of(slice.session()).settled(change_)) return Progress::kWait;
    synchronize(slice.session(), Replication::Wish{id_, offset_}, slice.reply());
    return Progress::kDone;
  }

 private:
  uint64_t change_;
  std::string id_;
  int64_t offset_;
};

std::unique_ptr<Task> cmd_psync(Session& session, Args args, Reply& reply) {
  if (session.source) return nullptr;
  bool const failover = args.size() > 3 && args.is(3, "FAILOVER");
  if (failover) {
    Replication& replication = replication_of(session);
    if (std::string const refusal = replication.check_take_over(args[1]); !refusal.empty()) {
      reply.error(refusal);
      return nullptr;
    }
    auto const offset = args.integer(2, reply);
    if (!offset) return nullptr;
    session.services().logger.notice("Failover request received for replid %.*s.", static_cast<int>(args[1].size()), args[1].data());
    session.services().config.set_replica_of(std::nullopt);
    return std::make_unique<TakeOverTask>(replication.lead(), std::string(args[1]), *offset);
  }
  auto const offset = args.integer(2, reply);
  if (offset) synchronize(session, Replication::Wish{args[1], *offset}, reply);
  return nullptr;
}

void cmd_sync(Session& session, Args, Reply& reply) {
  if (!session.source) synchronize(session, std::nullopt, reply);
}

/// One option of REPLCONF. False: the command is over, and what there was to say is said.
bool replconf_option(Session& session, std::string_view name, Args args, size_t value_index, Reply& reply) {
  ReplicaFeed& feed = introduced(session);
  std::string_view const value = args[value_index];
  if (iequals(name, "listening-port")) {
    auto const port = args.integer(value_index, reply);
    if (!port) return false;
    feed.introduction.port = static_cast<int>(*port);
  } else if (iequals(name, "ip-address")) {
    constexpr size_t kAddressBytesMax = 1025;
    if (value.size() >= kAddressBytesMax) {
      reply.error("REPLCONF ip-address provided by replica instance is too long: " + to_text_unsigned(value.size()) + " bytes");
      return false;
    }
    feed.introduction.ip = value;
  } else if (iequals(name, "capa")) {
    if (iequals(value, "eof")) feed.introduction.eof = true;
    if (iequals(value, "psync2")) feed.introduction.psync2 = true;
    if (iequals(value, "proof")) feed.introduction.proof = true;
  } else if (iequals(name, "rdb-only")) {
    auto const only = args.integer(value_index, reply, kPositiveOnly);
    if (!only) return false;
    feed.introduction.data_only = *only == 1;
  } else if (iequals(name, "rdb-filter-only")) {
    ReplicaFeed::Filter filter;
    for (std::string_view rest = value; !rest.empty();) {
      size_t const end = std::min(rest.find(' '), rest.size());
      std::string_view const word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!iequals(word, "functions")) {
        reply.error("Unsupported rdb-filter-only option: " + std::string(word));
        return false;
      }
      filter.functions = true;
    }
    feed.introduction.filter = filter;
  } else if (iequals(name, "version")) {
    // Of the other server; what it can do is told by its capabilities.
  } else {
    reply.error("Unrecognized REPLCONF option: " + std::string(name));
    return false;
  }
  return true;
}

void acknowledge(Session& session, Args args) {
  if (!session.source) return;
  auto const offset = parse_int64(args[2]);
  if (!offset || *offset < 0) return;
  std::optional<uint64_t> durable;
  if (args.size() >= 5 && args.is(3, "FACK")) {
    if (auto const told = parse_int64(args[4]); told && *told >= 0) durable = static_cast<uint64_t>(*told);
  }
  session.introduced->acknowledge(static_cast<uint64_t>(*offset), durable);
  auto report = ProofReport::parse(args);
  if (!report) return;
  Replication& replication = replication_of(session);
  replication.proofs().hear(*session.introduced, std::move(*report), replication.is_replica());
}

void cmd_replconf(Session& session, Args args, Reply& reply) {
  if (args.size() % 2 == 0) return reply.error(errors::kSyntax);
  for (size_t i = 1; i < args.size(); i += 2) {
    // These two are never answered. Who is asked for an acknowledgement is the link of a replica, which sees to it itself.
    if (args.is(i, "ACK")) return acknowledge(session, args);
    if (args.is(i, "GETACK")) return;
    if (!replconf_option(session, args[i], args, i + 1, reply)) return;
  }
  reply.ok();
}

// ---- ROLE ----

std::string_view role_state(LinkState state) {
  switch (state) {
    case LinkState::kConnect: return "connect";
    case LinkState::kConnecting: return "connecting";
    case LinkState::kHandshake: return "handshake";
    case LinkState::kTransfer: return "sync";
    case LinkState::kConnected: break;
  }
  return "connected";
}

void cmd_role(Session& session, Args, Reply& reply) {
  Services& services = session.services();
  Replication& replication = replication_of(session);
  if (replication.is_replica()) {
    auto const primary = replication.primary().value_or(ReplicaOf{});
    LinkState const state = replication.link().state.load(std::memory_order_relaxed);
    reply.array(5);
    reply.bulk("slave");
    reply.bulk(primary.host);
    reply.integer(primary.port);
    reply.bulk(role_state(state));
    reply.integer(state == LinkState::kConnected ? static_cast<int64_t>(services.log.appended_offset()) : -1);
    return;
  }
  std::vector<std::shared_ptr<ReplicaFeed>> online;
  for (auto const& feed : replication.replicas().list()) {
    if (feed->online()) online.push_back(feed);
  }
  reply.array(3);
  reply.bulk("master");
  reply.integer(static_cast<int64_t>(services.log.appended_offset()));
  reply.array(online.size());
  for (auto const& feed : online) {
    reply.array(3);
    reply.bulk(feed->ip());
    reply.bulk(to_text(feed->port()));
    reply.bulk(to_text_unsigned(feed->acknowledged()));
  }
}

// ---- FAILOVER ----

struct FailoverWords {
  Replication::FailoverOrder order;
  bool abort = false;
};

std::optional<FailoverWords> parse_failover(Args args, Reply& reply) {
  FailoverWords words;
  bool timed = false;
  for (size_t i = 1; i < args.size(); i++) {
    size_t const left = args.size() - i - 1;
    if (args.is(i, "TIMEOUT") && left >= 1 && !timed) {
      auto const timeout = args.integer(i + 1, reply);
      if (!timeout) return std::nullopt;
      if (*timeout <= 0) {
        reply.error("FAILOVER timeout must be greater than 0");
        return std::nullopt;
      }
      words.order.timeout_ms = *timeout;
      timed = true;
      i++;
    } else if (args.is(i, "ABORT") && args.size() == 2) {
      words.abort = true;
    } else if (args.is(i, "TO") && left >= 2 && !words.order.target) {
      auto const port = args.integer(i + 2, reply);
      if (!port) return std::nullopt;
      words.order.target = ReplicaOf{std::string(args[i + 1]), static_cast<int>(*port)};
      i += 2;
    } else if (args.is(i, "FORCE") && !words.order.force) {
      words.order.force = true;
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return words;
}

void cmd_failover(Session& session, Args args, Reply& reply) {
  Replication& replication = replication_of(session);
  if (session.services().config.flag(Directive::kClusterEnabled)) {
    return reply.error("FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.");
  }
  auto const words = parse_failover(args, reply);
  if (!words) return;
  if (words->abort) {
    return replication.abort_failover() ? reply.ok() : reply.error("No failover in progress.");
  }
  std::string const refusal = replication.start_failover(words->order);
  refusal.empty() ? reply.ok() : reply.error(refusal);
}

constexpr CommandRow kCommandsRows[] = {
    {.name = "replicaof", .arity = 3, .flags = "admin noscript stale no_async_loading", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "5.0.0", .complexity = "O(1)",
     .summary = "Makes this server the replica of another, or a primary.",
     .syntax = "args:oneof(host-port:block(host:string port:integer) | no-one:block(NO ONE))", .handler = &cmd_replicaof},
    {.name = "slaveof", .arity = 3, .flags = "admin noscript stale no_async_loading", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Makes this server the replica of another, or a primary.",
     .syntax = "args:oneof(host-port:block(host:string port:integer) | no-one:block(NO ONE))", .handler = &cmd_replicaof,
     .deprecated = "5.0.0: `REPLICAOF`"},
    {.name = "psync", .arity = -3, .flags = "admin noscript no_async_loading no_multi", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "2.8.0", .complexity = "", .summary = "Asks, as a replica, for the stream of writes.",
     .syntax = "replicationid:string offset:integer", .handler = &cmd_psync},
    {.name = "sync", .arity = 1, .flags = "admin noscript no_async_loading no_multi", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "1.0.0", .complexity = "", .summary = "Asks, as an old replica, for all data and the stream of writes.",
     .syntax = "", .handler = &cmd_sync},
    {.name = "replconf", .arity = -1, .flags = "admin noscript loading stale allow_busy", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "3.0.0", .complexity = "O(1)", .summary = "Says, as a replica, what there is to know of it.",
     .syntax = "", .handler = &cmd_replconf},
    {.name = "role", .arity = 1, .flags = "noscript loading stale fast", .keys = "", .categories = "admin dangerous", .tips = "",
     .group = "server", .since = "2.8.12", .complexity = "O(1)", .summary = "Tells what this server is in replication.",
     .syntax = "", .handler = &cmd_role},
    {.name = "failover", .arity = -1, .flags = "admin noscript stale", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "6.2.0", .complexity = "O(1)", .summary = "Hands the role of the primary over to a replica.",
     .syntax = "[TO target:block(host:string port:integer [FORCE])] [ABORT] [TIMEOUT milliseconds:integer]",
     .handler = &cmd_failover},
};

}  // namespace

CommandRows replication_commands() { return kCommandsRows; }

}  // namespace holdfast::replication
