#include "scripting/interpreter.h"

#include <cstdio>

#include "command/server_state.h"
#include "command/session.h"
#include "config/config.h"
#include "scripting/chunk_loader.h"
#include "scripting/library_draft.h"
#include "scripting/lua_to_reply.h"
#include "scripting/protected_table.h"
#include "scripting/reply_to_lua.h"

namespace holdfast::scripting {
namespace {

constexpr char kStopped[] = "the script has ended";
constexpr char kKilled[] = "ERR Script killed by user with SCRIPT KILL...";

/// The error value as a text, for one that is no table.
void push_error_text(lua_State* state, int index) {
  lua_pushliteral(state, "ERR ");
  lua_pushvalue(state, index);
  switch (lua_type(state, -1)) {
    case LUA_TSTRING:
    case LUA_TNUMBER: lua_tostring(state, -1); break;
    case LUA_TBOOLEAN:
      lua_pushstring(state, lua_toboolean(state, -1) ? "true" : "false");
      lua_replace(state, -2);
      break;
    default:
      lua_pushstring(state, luaL_typename(state, -1));
      lua_replace(state, -2);
  }
  lua_concat(state, 2);
}

/// Makes a table of the error and notes in it where the error came from.
int note_origin(lua_State* state) {
  lua_Debug where;
  bool known = lua_getstack(state, 1, &where) && lua_getinfo(state, "Sl", &where);
  if (known && *where.what == 'C') known = lua_getstack(state, 2, &where) && lua_getinfo(state, "Sl", &where);
  if (!lua_istable(state, 1) || push_protected(state, 1)) {
    lua_createtable(state, 0, 3);
    push_error_text(state, 1);
    lua_setfield(state, -2, "err");
    lua_replace(state, 1);
  }
  lua_settop(state, 1);
  if (known) {
    lua_pushliteral(state, "source");
    lua_pushstring(state, where.source);
    lua_rawset(state, 1);
    lua_pushliteral(state, "line");
    lua_pushinteger(state, where.currentline);
    lua_rawset(state, 1);
  }
  return 1;
}

/// The bytes of `buffer` in one piece, copied to `joined` when there are several.
std::string_view whole(OutputBuffer const& buffer, std::string& joined) {
  iovec piece;
  if (buffer.fill_iovec(&piece, 1) == 1 && piece.iov_len == buffer.size()) {
    return {static_cast<char const*>(piece.iov_base), piece.iov_len};
  }
  joined = buffer.to_string();
  return joined;
}

std::string text_field(lua_State* state, char const* name) {
  push_field(state, -1, name);
  std::string text;
  if (lua_isstring(state, -1)) text = text_at(state, -1);
  lua_pop(state, 1);
  return text;
}

}  // namespace

Interpreter::Interpreter(SandboxKind kind, std::atomic<int64_t>& bytes, Clock const& clock, Logger& logger)
    : clock_(clock), logger_(logger), lua_(bytes), kind_(kind) {
  lua_.set_owner(this);
  build_sandbox(state(), kind, random_);
}

int Interpreter::push_error_handler() {
  lua_pushcfunction(state(), &note_origin);
  return lua_gettop(state());
}

ScriptRun::Ended Interpreter::run(NestedCalls& calls, std::string_view name, Args command, int arguments, Reply& reply) {
  lua_State* lua = state();
  calls_ = &calls;
  name_ = name;
  command_ = command;
  start_ms_ = clock_.monotonic_us() / 1000;
  protocol_ = 2;
  stopping_ = false;
  killed_ = false;
  calls.set_while_waiting([this] { return may_go_on(); });
  lua_sethook(lua, &look, LUA_MASKCOUNT, kInstructionsPerLook);
  push_error_handler();
  lua_insert(lua, 1);
  int const code = lua_pcall(lua, arguments, 1, 1);
  lua_sethook(lua, nullptr, 0, 0);
  calls.take_back();
  if (busy_) {
    calls.session().services().state.busy_scripts.remove(busy_.get());
    calls.set_busy(nullptr);
    busy_.reset();
  }
  auto ended = ScriptRun::Ended::kReplied;
  if (!calls.repeat_with()) {
    if (code != 0) {
      ended = write_failure(name, reply);
    } else if (write_value(lua, reply, protocol_)) {
      ended = ScriptRun::Ended::kCountedError;
    }
  }
  lua_settop(lua, 0);
  calls_ = nullptr;
  return ended;
}

ScriptRun::Ended Interpreter::write_failure(std::string_view name, Reply& reply) {
  lua_State* lua = state();
  std::string text;
  std::string origin;
  bool counted = false;
  if (lua_istable(lua, -1)) {
    text = text_field(lua, "err");
    std::string const source = text_field(lua, "source");
    std::string const line = text_field(lua, "line");
    if (!source.empty() && !line.empty()) origin = ", on " + source + ":" + line;
    push_field(lua, -1, "ignore_error_stats_update");
    counted = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
  } else if (lua_isstring(lua, -1)) {
    text = "ERR " + std::string(text_at(lua, -1));
  }
  lua_pop(lua, 1);
  if (text.empty()) text = "ERR unknown error";
  text = "-" + text + " script: " + std::string(name) + origin + ".";
  if (!counted) {
    reply.error(text);
    return ScriptRun::Ended::kReplied;
  }
  for (char& each : text) {
    if (each == '\r' || each == '\n') each = ' ';
  }
  reply.raw(text + "\r\n");
  return ScriptRun::Ended::kCountedError;
}

void Interpreter::look(lua_State* state, lua_Debug*) {
  Interpreter& self = of(state);
  if (self.stopping_) {
    self.killed_ ? push_error(state, kKilled, false) : lua_pushstring(state, kStopped);
    lua_error(state);
  }
  if (!self.calls_) {
    self.look_at_load(state);
    return;
  }
  self.calls_->let_others_in();
  if (self.may_go_on()) return;
  self.stop_killed(state);
  lua_error(state);
}

bool Interpreter::may_go_on() {
  if (!busy_ && past_threshold()) become_busy();
  Session& session = calls_->session();
  if (busy_) session.serve_others(*busy_);
  if (session.services().state.busy_scripts.all_end()) {
    calls_->log_nothing();
    return false;
  }
  return !busy_ || !busy_->killed();
}

void Interpreter::look_at_load(lua_State* state) {
  Interpreter& self = *this;
  if (self.draft_ && self.clock_.monotonic_us() > self.load_deadline_us_) {
    push_error(state, "ERR FUNCTION LOAD timeout", false);
    lua_error(state);
  }
}

Status Interpreter::load_library(std::string_view code, LibraryDraft& draft) {
  lua_State* lua = state();
  int const handler = push_error_handler();
  if (load_text(lua, code, "@user_function") != 0) {
    std::string text = "Error compiling function: " + std::string(text_at(lua, -1));
    lua_settop(lua, handler - 1);
    return fail(std::move(text));
  }
  draft_ = &draft;
  load_deadline_us_ = clock_.monotonic_us() + kLoadMicrosecondsMax;
  stopping_ = false;
  show_library_globals(lua, true);
  lua_sethook(lua, &look, LUA_MASKCOUNT, kInstructionsPerLook);
  int const code_of_run = lua_pcall(lua, 0, 0, handler);
  lua_sethook(lua, nullptr, 0, 0);
  show_library_globals(lua, false);
  draft_ = nullptr;
  Status status;
  if (code_of_run != 0) {
    std::string const text = lua_istable(lua, -1) ? text_field(lua, "err") : "ERR unknown error";
    status = fail("Error registering functions: " + text);
    for (LibraryDraft::Function const& each : draft.functions()) luaL_unref(lua, LUA_REGISTRYINDEX, each.reference);
  }
  lua_settop(lua, handler - 1);
  return status;
}

bool Interpreter::past_threshold() const {
  int64_t const limit_ms = calls_->session().services().config.integer(config::Directive::kBusyReplyThreshold);
  return limit_ms > 0 && !calls_->session().trusted() && clock_.monotonic_us() / 1000 - start_ms_ >= limit_ms;
}

void Interpreter::become_busy() {
  auto const kind = kind_ == SandboxKind::kScripts ? BusyScript::Kind::kScript : BusyScript::Kind::kFunction;
  std::span<std::string_view const> const words = command_->span();
  busy_ = std::make_shared<BusyScript>(kind, std::string(name_), std::vector<std::string>(words.begin(), words.end()),
                                       start_ms_, calls_->wrote());
  calls_->set_busy(busy_.get());
  calls_->session().services().state.busy_scripts.add(busy_);
  logger_.warning("Slow script detected: still in execution after %lld milliseconds. You can try killing the script using the "
                  "%s command. Script name is: %s.",
                  static_cast<long long>(clock_.monotonic_us() / 1000 - start_ms_),
                  kind == BusyScript::Kind::kScript ? "SCRIPT KILL" : "FUNCTION KILL", busy_->name.c_str());
}

int Interpreter::stop_killed(lua_State* state) {
  if (!killed_) {
    bool const by_user = busy_ && busy_->killed();
    logger_.notice(by_user ? "Lua script killed by user with SCRIPT KILL." : "Lua script ended, because the server exits.");
    killed_ = true;
    stop(state);
  }
  push_error(state, kKilled, false);
  return kRaise;
}

void Interpreter::stop(lua_State* where) {
  stopping_ = true;
  lua_sethook(where, &look, LUA_MASKCOUNT, 1);
  lua_sethook(state(), &look, LUA_MASKCOUNT, 1);
}

bool Interpreter::read_arguments(lua_State* lua) {
  int const count = lua_gettop(lua);
  arguments_.clear();
  numbers_.clear();
  numbers_.reserve(static_cast<size_t>(count));
  for (int i = 1; i <= count; i++) {
    if (lua_type(lua, i) == LUA_TNUMBER) {
      std::array<char, 32>& text = numbers_.emplace_back();
      int const size = std::snprintf(text.data(), text.size(), "%.17g", lua_tonumber(lua, i));
      arguments_.emplace_back(text.data(), static_cast<size_t>(size));
    } else if (lua_type(lua, i) == LUA_TSTRING) {
      arguments_.push_back(text_at(lua, i));
    } else {
      return false;
    }
  }
  return true;
}

int Interpreter::call(lua_State* lua, bool raise_errors) {
  int const raised = raise_errors ? kRaise : 1;
  auto refuse = [&](std::string_view text, bool counted) {
    push_error(lua, text, counted);
    return raised;
  };
  if (lua_gettop(lua) == 0) return refuse("ERR Please specify at least one argument for this redis lib call", false);
  if (!read_arguments(lua)) return refuse("ERR Lua redis lib command arguments must be strings or integers", false);
  Reply reply(output_, protocol_);
  switch (calls_->call(Args(arguments_), reply)) {
    case NestedCalls::Outcome::kDone: break;
    case NestedCalls::Outcome::kRefused: return refuse(calls_->refusal(), true);
    case NestedCalls::Outcome::kRepeat:
      stop(lua);
      lua_pushstring(lua, kStopped);
      return kRaise;
    case NestedCalls::Outcome::kKilled: return stop_killed(lua);
  }
  bool const failed = reply.errors() > 0;
  push_reply(lua, whole(output_, joined_));
  output_.clear();
  joined_.clear();
  if (!failed || !raise_errors) return 1;
  push_field(lua, -1, "err");
  bool const is_error = lua_isstring(lua, -1);
  lua_pop(lua, 1);
  return is_error ? kRaise : 1;
}

}  // namespace holdfast::scripting
