#include "scripting/redis_api.h"

#include <string>

#include "base/logger.h"
#include "base/sha1.h"
#include "command/access.h"
#include "command/redis_version.h"
#include "command/session.h"
#include "scripting/interpreter.h"
#include "scripting/library_draft.h"
#include "scripting/reply_to_lua.h"

namespace holdfast::scripting {
namespace {

/// REPL_* constants: bits of redis.set_repl.
constexpr int kReplicateNone = 0;
constexpr int kReplicateAof = 1;
constexpr int kReplicateReplicas = 2;
constexpr int kReplicateAll = kReplicateAof | kReplicateReplicas;

int raise_error(lua_State* state, std::string_view text) {
  push_error(state, text, false);
  return kRaise;
}

int redis_call(lua_State* state) { return finish(state, Interpreter::of(state).call(state, true)); }

int redis_pcall(lua_State* state) { return finish(state, Interpreter::of(state).call(state, false)); }

int make_error_reply(lua_State* state) {
  if (lua_gettop(state) != 1 || lua_type(state, 1) != LUA_TSTRING) {
    push_error(state, "ERR wrong number or type of arguments", false);
    return 1;
  }
  std::string text(text_at(state, 1));
  if (text.starts_with('-')) text.erase(0, 1);
  if (text.find(' ') == std::string::npos) text.insert(0, "ERR ");
  push_error(state, text, false);
  return 1;
}

int redis_error_reply(lua_State* state) { return finish(state, make_error_reply(state)); }

int redis_status_reply(lua_State* state) {
  if (lua_gettop(state) != 1 || lua_type(state, 1) != LUA_TSTRING) {
    push_error(state, "ERR wrong number or type of arguments", false);
    return 1;
  }
  lua_createtable(state, 0, 1);
  lua_pushvalue(state, 1);
  lua_setfield(state, -2, "ok");
  return 1;
}

int make_sha1(lua_State* state) {
  if (lua_gettop(state) != 1) return raise_error(state, "ERR wrong number of arguments");
  push(state, sha1_hex(text_at(state, 1)));
  return 1;
}

int redis_sha1hex(lua_State* state) { return finish(state, make_sha1(state)); }

int write_log(lua_State* state) {
  int const count = lua_gettop(state);
  if (count < 2) return raise_error(state, "ERR redis.log() requires two arguments or more.");
  if (!lua_isnumber(state, 1)) return raise_error(state, "ERR First argument must be a number (log level).");
  auto const level = static_cast<int>(lua_tonumber(state, 1));
  if (level < static_cast<int>(LogLevel::kDebug) || level > static_cast<int>(LogLevel::kWarning)) {
    return raise_error(state, "ERR Invalid debug level.");
  }
  std::string text;
  for (int i = 2; i <= count; i++) {
    if (!lua_isstring(state, i)) continue;
    if (i > 2) text += ' ';
    text += text_at(state, i);
  }
  Interpreter::of(state).logger().log(static_cast<LogLevel>(level), "%s", text.c_str());
  return 0;
}

int redis_log(lua_State* state) { return finish(state, write_log(state)); }

int set_resp(lua_State* state) {
  if (lua_gettop(state) != 1) return raise_error(state, "ERR redis.setresp() requires one argument.");
  lua_Number const protocol = lua_tonumber(state, 1);
  if (protocol != 2 && protocol != 3) return raise_error(state, "ERR RESP version must be 2 or 3.");
  Interpreter::of(state).set_protocol(static_cast<int>(protocol));
  return 0;
}

int redis_setresp(lua_State* state) { return finish(state, set_resp(state)); }

int set_replication(lua_State* state) {
  if (lua_gettop(state) != 1) return raise_error(state, "ERR redis.set_repl() requires two arguments.");
  auto const flags = static_cast<int>(lua_tonumber(state, 1));
  if ((flags & ~kReplicateAll) != 0) {
    return raise_error(state,
                       "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  Interpreter::of(state).calls()->set_logging((flags & kReplicateAof) != 0);
  return 0;
}

int redis_set_repl(lua_State* state) { return finish(state, set_replication(state)); }

int redis_replicate_commands(lua_State* state) {
  lua_pushboolean(state, 1);
  return 1;
}

/// There is no debugger.
int redis_breakpoint(lua_State* state) {
  lua_pushboolean(state, 0);
  return 1;
}

int redis_debug(lua_State*) { return 0; }

int check_command(lua_State* state) {
  int const count = lua_gettop(state);
  if (count == 0) return raise_error(state, "ERR Please specify at least one argument for this redis lib call");
  for (int i = 1; i <= count; i++) {
    if (lua_isstring(state, i)) continue;
    return raise_error(state, "ERR Lua redis lib command arguments must be strings or integers");
  }
  CommandTable const& commands = Interpreter::of(state).calls()->session().services().commands;
  Command const* command = commands.find(text_at(state, 1));
  if (command && !command->subcommands.empty() && count > 1) {
    command = commands.find_subcommand(*command, text_at(state, 2));
  }
  if (!command) return raise_error(state, "ERR Invalid command passed to redis.acl_check_cmd()");
  std::vector<std::string_view> words;
  for (int i = 1; i <= count; i++) words.push_back(text_at(state, i));
  acl::User const* const user = Interpreter::of(state).calls()->session().user().get();
  lua_pushboolean(state, !user || !find_denial(*user, *command, Args(words)));
  return 1;
}

int redis_acl_check_cmd(lua_State* state) { return finish(state, check_command(state)); }

int redis_register_function(lua_State* state) { return finish(state, register_function(state)); }

struct Function {
  char const* name;
  lua_CFunction function;
};

constexpr Function kCommon[] = {
    {"call", &redis_call},
    {"pcall", &redis_pcall},
    {"log", &redis_log},
    {"error_reply", &redis_error_reply},
    {"status_reply", &redis_status_reply},
    {"sha1hex", &redis_sha1hex},
    {"setresp", &redis_setresp},
    {"set_repl", &redis_set_repl},
    {"acl_check_cmd", &redis_acl_check_cmd},
};

constexpr Function kOnlyScripts[] = {
    {"replicate_commands", &redis_replicate_commands},
    {"breakpoint", &redis_breakpoint},
    {"debug", &redis_debug},
};

/// 0x00MMmmpp of "M.m.p".
int version_number() {
  int number = 0;
  int part = 0;
  for (char each : kRedisVersion) {
    if (each == '.') {
      number = (number | part) << 8;
      part = 0;
    } else {
      part = part * 10 + (each - '0');
    }
  }
  return number | part;
}

void set_constant(lua_State* state, char const* name, int value) {
  lua_pushinteger(state, value);
  lua_setfield(state, -2, name);
}

void set_function(lua_State* state, Function const& function) {
  lua_pushcfunction(state, function.function);
  lua_setfield(state, -2, function.name);
}

}  // namespace

void push_redis_table(lua_State* state, RedisTable kind) {
  lua_newtable(state);
  set_constant(state, "LOG_DEBUG", static_cast<int>(LogLevel::kDebug));
  set_constant(state, "LOG_VERBOSE", static_cast<int>(LogLevel::kVerbose));
  set_constant(state, "LOG_NOTICE", static_cast<int>(LogLevel::kNotice));
  set_constant(state, "LOG_WARNING", static_cast<int>(LogLevel::kWarning));
  set_constant(state, "REDIS_VERSION_NUM", version_number());
  push(state, kRedisVersion);
  lua_setfield(state, -2, "REDIS_VERSION");
  if (kind == RedisTable::kLibraries) {
    set_function(state, {"log", &redis_log});
    set_function(state, {"register_function", &redis_register_function});
    return;
  }
  set_constant(state, "REPL_NONE", kReplicateNone);
  set_constant(state, "REPL_AOF", kReplicateAof);
  set_constant(state, "REPL_SLAVE", kReplicateReplicas);
  set_constant(state, "REPL_REPLICA", kReplicateReplicas);
  set_constant(state, "REPL_ALL", kReplicateAll);
  for (Function const& function : kCommon) set_function(state, function);
  if (kind == RedisTable::kScripts) {
    for (Function const& function : kOnlyScripts) set_function(state, function);
  }
}

}  // namespace holdfast::scripting
