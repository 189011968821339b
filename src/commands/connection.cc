#include "commands/connection.h"

#include <algorithm>
#include <string>

#include "base/number.h"
#include "base/strings.h"
#include "command/access.h"
#include "command/errors.h"
#include "command/redis_version.h"
#include "command/session.h"
#include "commands/database_index.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

constexpr std::string_view kWrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.";
constexpr std::string_view kBadName = "Client names cannot contain spaces, newlines or special characters.";

bool valid_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

/// Does a login. On failure writes the error.
bool log_in(Session& session, Args args, std::string_view user, std::string_view password, Reply& reply) {
  if (session.log_in(user, password)) return true;
  note_failed_login(session, user, args[0]);
  reply.error(kWrongPassword);
  return false;
}

void cmd_ping(Session& session, Args args, Reply& reply) {
  if (args.size() > 2) return reply.error("wrong number of arguments for 'ping' command");
  if (session.subscribed() && !reply.resp3()) {
    // As a message looks, since the client reads messages.
    reply.array(2);
    reply.bulk("pong");
    return reply.bulk(args.size() == 2 ? args[1] : "");
  }
  if (args.size() == 2) return reply.bulk(args[1]);
  reply.status("PONG");
}

void cmd_echo(Session&, Args args, Reply& reply) { reply.bulk(args[1]); }

void cmd_auth(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) return reply.error(errors::kSyntax);
  if (args.size() == 2 && session.services().users.default_user()->needs_no_password()) {
    return reply.error(
        "AUTH <password> called without any password configured for the default user. Are you sure your configuration "
        "is correct?");
  }
  std::string_view user = args.size() == 3 ? args[1] : "default";
  if (log_in(session, args, user, args[args.size() - 1], reply)) reply.ok();
}

void cmd_hello(Session& session, Args args, Reply& reply) {
  int protocol = session.protocol();
  size_t next = 1;
  if (args.size() > 1) {
    auto version = parse_int64(args[1]);
    if (!version) return reply.error("Protocol version is not an integer or out of range");
    if (*version != 2 && *version != 3) return reply.error("-NOPROTO unsupported protocol version");
    protocol = static_cast<int>(*version);
    next = 2;
  }
  while (next < args.size()) {
    size_t more = args.size() - next - 1;
    if (args.is(next, "AUTH") && more >= 2) {
      if (!log_in(session, args, args[next + 1], args[next + 2], reply)) return;
      next += 3;
    } else if (args.is(next, "SETNAME") && more >= 1) {
      if (!valid_name(args[next + 1])) return reply.error(kBadName);
      session.card().set_name(std::string(args[next + 1]));
      next += 2;
    } else {
      return reply.error("Syntax error in HELLO option '" + std::string(until_zero_byte(args[next])) + "'");
    }
  }
  if (!session.logged_in()) {
    return reply.error(
        "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
        "option can be used to authenticate the client and select the RESP protocol version at the same time");
  }
  session.set_protocol(protocol);
  reply.set_protocol(protocol);
  reply.map(7);
  reply.field("server", "redis");
  reply.field("version", kRedisVersion);
  reply.field("proto", protocol);
  reply.field("id", session.card().id);
  reply.field("mode", "standalone");
  reply.field("role", "master");
  reply.bulk("modules");
  reply.array(0);
}

void cmd_select(Session& session, Args args, Reply& reply) {
  auto db = database_argument(args, 1, session.services().keyspace.databases(), reply);
  if (!db) return;
  session.select(*db);
  reply.ok();
}

void cmd_reset(Session& session, Args, Reply& reply) {
  session.reset();
  reply.set_protocol(session.protocol());
  reply.set_muted(false);
  reply.status("RESET");
}

void cmd_quit(Session& session, Args, Reply& reply) {
  session.close_after_reply();
  reply.ok();
}

constexpr CommandRow kConnectionRows[] = {
    {.name = "ping", .arity = -1, .flags = "fast while_subscribed", .keys = "", .categories = "connection",
     .tips = "request_policy:all_shards; response_policy:all_succeeded", .group = "connection", .since = "1.0.0",
     .complexity = "O(1)", .summary = "Answers PONG, or the message it is given.", .syntax = "[message:string]",
     .handler = &cmd_ping},
    {.name = "echo", .arity = 2, .flags = "loading stale fast", .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "1.0.0", .complexity = "O(1)", .summary = "Answers its argument.",
     .syntax = "message:string", .handler = &cmd_echo},
    {.name = "auth", .arity = -2, .flags = "noscript loading stale fast no_auth allow_busy", .keys = "",
     .categories = "connection", .tips = "", .group = "connection", .since = "1.0.0",
     .complexity = "O(N) where N is the number of passwords of the user",
     .summary = "Logs the connection in.", .syntax = "[username:string@6.0.0] password:string", .handler = &cmd_auth,
     .history = "6.0.0: Added ACL style (username and password)."},
    {.name = "hello", .arity = -1, .flags = "noscript loading stale fast no_auth allow_busy", .keys = "",
     .categories = "connection", .tips = "", .group = "connection", .since = "6.0.0", .complexity = "O(1)",
     .summary = "Chooses the protocol version, and may log in and name the connection on the way.",
     .syntax =
         "[arguments:block(protover:integer [AUTH username_password:block(username:string password:string)] [SETNAME clientname:string])]",
     .handler = &cmd_hello, .history = "6.2.0: protover made optional, when called without arguments replies with the current connection's context."},
    {.name = "select", .arity = 2, .flags = "loading stale fast", .keys = "", .categories = "connection", .tips = "",
     .group = "connection", .since = "1.0.0", .complexity = "O(1)", .summary = "Changes the database of the connection.",
     .syntax = "index:integer", .handler = &cmd_select},
    {.name = "reset", .arity = 1, .flags = "noscript loading stale fast no_auth allow_busy while_subscribed", .keys = "",
     .categories = "connection", .tips = "", .group = "connection", .since = "6.2.0", .complexity = "O(1)",
     .summary = "Puts the connection back into the state of a new one.", .syntax = "", .handler = &cmd_reset},
    {.name = "quit", .arity = -1, .flags = "noscript loading stale fast no_auth allow_busy while_subscribed", .keys = "",
     .categories = "connection", .tips = "", .group = "connection", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Closes the connection.", .syntax = "", .handler = &cmd_quit,
     .deprecated = "7.2.0: just closing the connection"},
};

}  // namespace

CommandRows connection_commands() { return kConnectionRows; }

}  // namespace holdfast
