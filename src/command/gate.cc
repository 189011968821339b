#include "command/gate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/strings.h"
#include "base/ticks.h"
#include "command/blocked_client.h"
#include "command/count_call.h"
#include "command/errors.h"
#include "command/lock_needs.h"
#include "command/nested_calls.h"
#include "command/observers.h"
#include "command/pause.h"
#include "command/server_state.h"
#include "command/slowlog.h"
#include "command/task_runner.h"
#include "command/worker_context.h"
#include "command/write_guards.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

using config::Directive;

/// Longest part of an unknown command's name and of its arguments that the error shows, bytes.
constexpr size_t kUnknownTextMax = 128;

/// Slices of a long command that is replayed; nobody waits for their end.
constexpr int64_t kReplaySliceMicroseconds = 1'000'000;

/// At most `bytes_max` bytes, up to the first NUL: what an error shows of a word.
std::string_view shown(std::string_view word, size_t bytes_max) {
  return word.substr(0, std::min(bytes_max, word.find('\0')));
}

std::string unknown_command(Args args) {
  std::string text = "unknown command '";
  text.append(shown(args[0], kUnknownTextMax)).append("', with args beginning with: ");
  std::string beginning;
  for (size_t i = 1; i < args.size() && beginning.size() < kUnknownTextMax; i++) {
    std::string_view word = shown(args[i], kUnknownTextMax - beginning.size());
    beginning.append("'").append(word).append("' ");
  }
  return text + beginning;
}

std::string unknown_subcommand(Command const& container, std::string_view name) {
  return "unknown subcommand '" + std::string(shown(name, kUnknownTextMax)) + "'. Try " +
         to_upper(container.full_name) + " HELP.";
}

/// Adds the keys of a command to the lock set. The arguments must stay where they are until the locks are released.
void add_keys(WorkerContext const& worker, Keyspace const& keyspace, Command const& command, Args args, LockSet& locks) {
  if (command.simple_keys && worker.hint && command.first_key == command.last_key) {
    std::string_view first = args[static_cast<size_t>(command.first_key)];
    if (first.data() == worker.hint->key.data()) {
      locks.add_key(keyspace, first, worker.hint->hash);
      return;
    }
  }
  for_each_key(command, args, [&](std::string_view key) { locks.add_key(keyspace, key); });
}

/// Writes a long reply while other clients go on.
class RestOfReply final : public Task {
 public:
  explicit RestOfReply(std::unique_ptr<ReplySource> source) : source_(std::move(source)) {}

  Progress step(TaskSlice& slice) override {
    constexpr size_t kElementsAtOnce = 512;
    if (slice.reply().buffer().size() >= kUnsentBytesMax) return Progress::kWait;
    do {
      if (!source_->write(slice.reply(), kElementsAtOnce)) return Progress::kDone;
    } while (!slice.expired());
    return slice.reply().buffer().size() < kUnsentBytesMax ? Progress::kAgain : Progress::kWait;
  }
  bool streams() const override { return true; }

 private:
  /// While so much is not sent yet, nothing more is written.
  static constexpr size_t kUnsentBytesMax = 1024 * 1024;
  std::unique_ptr<ReplySource> source_;
};

/// In place of waiting.
void reply_nothing(WaitRequest const& request, Reply& reply) {
  request.nothing == WaitRequest::Nothing::kNull ? reply.null() : reply.null_array();
}

Args args_of(QueuedCommand const& queued, std::vector<std::string_view>& views) {
  views.assign(queued.argv.begin(), queued.argv.end());
  return Args(views);
}

}  // namespace

Gate::Gate(Services& services)
    : services_(services),
      exec_(services.commands.find_full_original("exec")),
      multi_(services.commands.find_full_original("multi")),
      discard_(services.commands.find_full_original("discard")),
      watch_(services.commands.find_full_original("watch")),
      quit_(services.commands.find_full_original("quit")),
      reset_(services.commands.find_full_original("reset")),
      ping_(services.commands.find_full_original("ping")) {}

void Gate::reject(Session& session, Command const* command, Reply& reply, std::string_view error) {
  WorkerStatistics& statistics = session.worker().statistics;
  size_t before = reply.errors();
  if (command == exec_) {
    std::string_view reason = error.starts_with('-') ? error.substr(1) : error;
    session.end_transaction();
    reply.error("-EXECABORT Transaction discarded because of: " + std::string(reason));
  } else {
    if (session.transaction.open) session.transaction.broken = true;
    reply.error(error);
  }
  if (command) statistics.commands[command->id].rejected.add(1);
  if (reply.errors() != before) statistics.count_error(reply.last_error_code());
}

bool Gate::admit(Session& session, Args args, Reply& reply, Command const*& command) {
  CommandHint const* hint = session.worker().hint;
  bool const known = hint && hint->command && hint->name.data() == args[0].data();
  command = known ? hint->command : services_.commands.find(args[0]);
  if (!command) [[unlikely]] {
    reject(session, nullptr, reply, unknown_command(args));
    return false;
  }
  if (!command->subcommands.empty() && args.size() > 1) {
    Command const* subcommand = services_.commands.find_subcommand(*command, args[1]);
    if (!subcommand) {
      reject(session, nullptr, reply, unknown_subcommand(*command, args[1]));
      return false;
    }
    command = subcommand;
  }
  if (!command->arity_fits(args.size())) [[unlikely]] {
    reject(session, command, reply, "wrong number of arguments for '" + command->full_name + "' command");
    return false;
  }
  if (session.trusted()) return true;
  uint32_t flags = command->flags;
  if (command == exec_) {
    for (QueuedCommand const& queued : session.transaction.queue) flags |= queued.command->flags & (kWrite | kDenyOom);
  }
  if (flags & kProtected) {
    auto allowed = services_.config.choice<config::LocalAction>(Directive::kEnableDebugCommand);
    if (allowed == config::LocalAction::kNo || (allowed == config::LocalAction::kLocal && !session.card().local)) {
      reject(session, command, reply,
             "DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
             "local connection, otherwise you need to set this option in the configuration file, and then restart the "
             "server.");
      return false;
    }
  }
  if (!session.authenticated() && !(flags & kNoAuth)) [[unlikely]] {
    reject(session, command, reply, errors::kNoAuth);
    return false;
  }
  if (session.transaction.open && (flags & kNoMulti)) {
    reject(session, command, reply, errors::kNotInTransaction);
    return false;
  }
  if ((flags & kDenyOom) && services_.guards.memory_exceeded.load(std::memory_order_relaxed)) [[unlikely]] {
    reject(session, command, reply, errors::kOutOfMemory);
    return false;
  }
  if (flags & kWrite || command == ping_) {
    if (services_.persistence.refuse_writes()) [[unlikely]] {
      reject(session, command, reply, errors::kMisconfRdb);
      return false;
    }
    if (services_.guards.log_failed()) [[unlikely]] {
      reject(session, command, reply, "-MISCONF Errors writing to the AOF file: " + services_.guards.log_error());
      return false;
    }
  }
  if (session.subscribed() && session.protocol() == 2 && !(flags & kWhileSubscribed)) [[unlikely]] {
    reject(session, command, reply,
           "Can't execute '" + command->full_name +
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
    return false;
  }
  if (services_.persistence.loading() && !(flags & kAllowLoading)) [[unlikely]] {
    reject(session, command, reply, errors::kLoading);
    return false;
  }
  if (session.monitors && (flags & (kWrite | kReadonly | kMayReplicate))) [[unlikely]] {
    reject(session, command, reply, "Replica can't interact with the keyspace");
    return false;
  }
  return true;
}

bool Gate::held_by_pause(Session& session, Command const& command) const {
  if (session.trusted()) return false;
  Pause::Mode mode = services_.pause.mode(session.worker().now_ms);
  if (mode == Pause::Mode::kNone) [[likely]] return false;
  // Of a script it is known only when it has been found, which is before its locks.
  if (mode != Pause::Mode::kAll && command.kind == Command::Kind::kScript) {
    return session.script_run && session.script_run->may_write();
  }
  return mode == Pause::Mode::kAll || writes(session, command, kWrite | kMayReplicate);
}

bool Gate::writes(Session& session, Command const& command, uint32_t flags) const {
  if (&command != exec_) return command.has(flags);
  return std::any_of(session.transaction.queue.begin(), session.transaction.queue.end(),
                     [flags](QueuedCommand const& queued) { return queued.command->has(flags); });
}

bool Gate::must_hold(Session& session, Command const& command) const {
  if (held_by_pause(session, command)) return true;
  if (session.trusted() || (session.transaction.open && &command != exec_)) return false;  // queueing changes nothing
  return writes(session, command, kWrite | kMayReplicate) && (services_.log.over_limit() || services_.persistence.congested());
}

Gate::Outcome Gate::execute(Session& session, Args args, Reply& reply) {
  Command const* command;
  if (!admit(session, args, reply, command)) return Outcome::kDone;
  if (must_hold(session, *command)) [[unlikely]] return Outcome::kHeld;

  session.card().last_command.store(command->id, std::memory_order_relaxed);
  bool queues = session.transaction.open && command != exec_ && command != discard_ && command != multi_ &&
                command != watch_ && command != quit_ && command != reset_;
  if (queues) {
    queue(session, *command, args, reply);
    return Outcome::kDone;
  }
  return dispatch(session, *command, args, reply);
}

void Gate::replay(Session& session, Args args, Reply& reply) {
  Outcome outcome = execute(session, args, reply);
  while (outcome == Outcome::kRunning) {
    if (session.running->slice(reply, kReplaySliceMicroseconds) != Task::Progress::kDone) continue;
    session.running.reset();
    outcome = Outcome::kDone;
  }
  CHECK(outcome == Outcome::kDone);
}

Gate::Outcome Gate::dispatch(Session& session, Command const& command, Args args, Reply& reply) {
  WorkerContext& worker = session.worker();
  LockSet& locks = worker.locks;
  locks.clear();
  switch (command.kind) {
    case Command::Kind::kData:
    case Command::Kind::kSessionData:
      // What is read in slices is not remembered for client-side caching.
      if (command.long_form && !session.tracking) [[unlikely]] {
        if (std::unique_ptr<Task> task = command.long_form(session, args, reply)) {
          observe(session, command, args);
          return begin_task(session, command, args, std::move(task));
        }
      }
      if (needs_all_partitions(command, args)) {
        locks.add_all(services_.keyspace);
      } else {
        add_keys(worker, services_.keyspace, command, args, locks);
      }
      return run_locked(session, command, args, reply, locks);
    case Command::Kind::kSession: {
      if (&command == exec_ && session.transaction.open) {
        if (session.transaction.broken) {
          size_t errors_before = reply.errors();
          session.end_transaction();
          reply.error(errors::kExecAborted);
          observe(session, command, args);
          count(session, command, args, reply, errors_before);
          return Outcome::kDone;
        }
        build_exec_locks(session, locks);
        return run_locked(session, command, args, reply, locks);
      }
      size_t errors_before = reply.errors();
      command.session(session, args, reply);
      observe(session, command, args);
      count(session, command, args, reply, errors_before);
      return Outcome::kDone;
    }
    case Command::Kind::kTask: {
      size_t errors_before = reply.errors();
      std::unique_ptr<Task> task = command.task(session, args, reply);
      observe(session, command, args);
      if (!task) {
        count(session, command, args, reply, errors_before);
        return Outcome::kDone;
      }
      return begin_task(session, command, args, std::move(task));
    }
    case Command::Kind::kScript: {
      size_t errors_before = reply.errors();
      session.script_run = command.script(session, args, reply);
      if (!session.script_run) {
        count(session, command, args, reply, errors_before);
        return Outcome::kDone;
      }
      add_script_locks(session, command, args, session.script_run->reach());
      return run_locked(session, command, args, reply, locks);
    }
    case Command::Kind::kContainer: break;
  }
  CHECK(!"the arity of a container demands a subcommand");
  return Outcome::kDone;
}

Gate::Outcome Gate::begin_task(Session& session, Command const& command, Args args, std::unique_ptr<Task> task) {
  session.worker().statistics.commands_processed.add(1);
  session.running = std::make_unique<TaskRunner>(session, command, args, std::move(task));
  return Outcome::kRunning;
}

Gate::Outcome Gate::run_locked(Session& session, Command const& command, Args args, Reply& reply, LockSet& locks) {
  if (session.owns_keyspace()) [[unlikely]] {
    locks.assume();
    return run_data(session, command, args, reply, locks);
  }
  do {
    if (!locks.global() && !locks.wants_lane() && locks.try_lock(services_.keyspace)) [[likely]] continue;
    if (locks.lock(services_.keyspace, session.waiter()) == LockSet::Outcome::kParked) {
      if (refused_as_busy(session, command, reply, locks)) return Outcome::kDone;
      if (!session.parked) session.parked = std::make_unique<Session::Parked>();
      session.parked->command = &command;
      if (&locks != &session.parked->locks) std::swap(session.parked->locks, locks);
      return Outcome::kParked;
    }
  } while (!locks.covers_waiters(services_.keyspace));
  return run_data(session, command, args, reply, locks);
}

bool Gate::refused_as_busy(Session& session, Command const& command, Reply& reply, LockSet& locks) {
  if (!services_.state.busy_scripts.any()) [[likely]] return false;
  std::shared_ptr<BusyScript> const holder = services_.state.busy_scripts.holder_of(locks.partitions());
  if (!holder) return false;
  locks.abandon(services_.keyspace);
  session.script_run.reset();
  reject(session, &command, reply, busy_error(holder->kind));
  return true;
}

Gate::Outcome Gate::resume(Session& session, Args args, Reply& reply) {
  std::unique_ptr<Session::Parked> parked = std::move(session.parked);
  parked->locks.forget_keys();  // the arguments may have moved while the connection was parked
  session.worker().command_ticks = ticks();
  do {
    if (parked->locks.lock(services_.keyspace, session.waiter()) == LockSet::Outcome::kParked) {
      if (refused_as_busy(session, *parked->command, reply, parked->locks)) return Outcome::kDone;
      session.parked = std::move(parked);
      return Outcome::kParked;
    }
  } while (!parked->locks.covers_waiters(services_.keyspace));
  return run_data(session, *parked->command, args, reply, parked->locks);
}

Gate::Outcome Gate::run_data(Session& session, Command const& command, Args args, Reply& reply, LockSet& locks) {
  // A pause may have begun since the command was let in; CLIENT PAUSE relies on this look under the locks.
  if (held_by_pause(session, command)) [[unlikely]] {
    locks.unlock(services_.keyspace);
    session.script_run.reset();
    return Outcome::kHeld;
  }
  if (&command == exec_) {
    uint64_t const start = session.worker().command_ticks;
    run_exec(session, args, reply, locks);
    // Its time is that of all, though each of its commands was counted. Their errors are not its own.
    session.worker().command_ticks = start;
    count(session, command, args, reply, reply.errors());
    return Outcome::kDone;
  }
  if (command.kind == Command::Kind::kScript) return run_script(session, command, args, reply, locks);
  size_t errors_before = reply.errors();
  {
    Txn txn(services_.keyspace, locks, session.worker().scratch, session.worker().now_ms);
    txn.select(session.db());
    txn.set_client(session.card().id);
    if (!session.touch_keys) txn.set_no_touch();
    if (session.owns_keyspace()) [[unlikely]] txn.serve_nobody();
    txn.begin_command(args.span());
    if (command.kind == Command::Kind::kData) {
      command.data(txn, args, reply);
    } else {
      command.session_data(txn, session, args, reply);
    }
    txn.end_command();
    if (session.tracking) [[unlikely]] remember_read(session, command, args, txn);
    observe(session, command, args);
    bool waits = false;
    if (command.has(kBlocking)) [[unlikely]] {
      if (auto request = txn.take_wait_request()) waits = begin_wait(session, command, txn, std::move(request), reply);
    }
    note_offset(session, txn.commit());
    if (waits) return Outcome::kBlocked;
  }
  if (reply.has_rest()) [[unlikely]] {
    return begin_task(session, command, args, std::make_unique<RestOfReply>(reply.take_rest()));
  }
  count(session, command, args, reply, errors_before);
  return Outcome::kDone;
}

void Gate::observe(Session& session, Command const& command, Args args, CalledBy by) {
  Observers* observers = services_.observers;
  if (!observers || !observers->monitored.load(std::memory_order_relaxed)) [[likely]] return;
  // A script shows itself, before what it calls.
  bool const hidden = command.kind != Command::Kind::kScript && command.has(kAdmin | kSkipMonitor);
  if (!session.trusted() && !hidden) observers->executed(session, command, args, by == CalledBy::kScript);
}

void Gate::remember_read(Session& session, Command const& command, Args args, Txn& txn) {
  if (command.has(kReadonly)) services_.observers->has_read(session, command, args, txn);
}

bool Gate::begin_wait(Session& session, Command const& command, Txn& txn, std::unique_ptr<WaitRequest> request,
                      Reply& reply) {
  if (session.trusted()) {
    reply_nothing(*request, reply);
    return false;
  }
  WorkerContext& worker = session.worker();
  uint64_t const now = ticks();
  bool const ends = request->timeout_ms > 0;
  session.blocked = std::make_shared<BlockedClient>(session, command, std::move(request), now - worker.command_ticks);
  worker.command_ticks = now;
  worker.statistics.commands_processed.add(1);
  session.card().set_unblockable(session.blocked);
  session.card().wait_ends.store(ends, std::memory_order_relaxed);
  txn.enlist(session.blocked, session.blocked->request());
  return true;
}

Gate::Outcome Gate::finish_blocked(Session& session, Reply& reply) {
  std::shared_ptr<BlockedClient> const blocked = session.blocked;
  session.stop_waiting();
  bool failed = false;
  std::string_view error_code;
  switch (blocked->state()) {
    case BlockedClient::State::kServed:
      note_offset(session, blocked->offset());
      reply.buffer().append_all(blocked->output());
      failed = blocked->failed();
      error_code = blocked->error_code();
      break;
    case BlockedClient::State::kUnblockedWithError:
      reply.error(errors::kUnblocked);
      failed = true;
      error_code = reply.last_error_code();
      break;
    default: reply.null_array();
  }
  std::vector<std::string> const& words = blocked->request().command();
  std::vector<std::string_view> const views(words.begin(), words.end());
  if (std::unique_ptr<ReplySource> rest = blocked->take_rest()) {
    session.running = std::make_unique<TaskRunner>(session, blocked->command(), Args(views),
                                                   std::make_unique<RestOfReply>(std::move(rest)));
    return Outcome::kRunning;
  }
  count_call(session, blocked->command(), Args(views), services_.tick_scale.nanoseconds(blocked->spent_ticks()), failed,
             error_code, "command-unblocking");
  return Outcome::kDone;
}

void Gate::add_script_locks(Session& session, Command const& command, Args args, ScriptReach reach) {
  LockSet& locks = session.worker().locks;
  if (reach == ScriptReach::kAll) return locks.add_all(services_.keyspace);
  add_keys(session.worker(), services_.keyspace, command, args, locks);
  if (reach == ScriptReach::kFurther) locks.want_lane();
}

Gate::Outcome Gate::run_script(Session& session, Command const& command, Args args, Reply& reply, LockSet& held) {
  std::unique_ptr<ScriptRun> script = std::move(session.script_run);
  std::optional<ScriptReach> repeat_with;
  {
    bool const final = held.may_extend(services_.keyspace);
    Txn txn(services_.keyspace, held, session.worker().scratch, session.worker().now_ms);
    txn.select(session.db());
    if (!session.touch_keys) txn.set_no_touch();
    txn.set_client(session.card().id);
    if (session.owns_keyspace()) txn.serve_nobody();
    if (!final) txn.keep_undo();
    repeat_with = run_script_in(session, command, args, reply, txn, held, *script);
    if (repeat_with) {
      txn.abort();
    } else {
      note_offset(session, txn.commit());
    }
  }
  if (!repeat_with) return Outcome::kDone;
  script->note_reach(*repeat_with);
  LockSet& locks = session.worker().locks;
  locks.clear();
  add_script_locks(session, command, args, *repeat_with);
  session.script_run = std::move(script);
  return run_locked(session, command, args, reply, locks);
}

std::optional<ScriptReach> Gate::run_script_in(Session& session, Command const& command, Args args, Reply& reply, Txn& txn,
                                               LockSet& locks, ScriptRun& script) {
  WorkerContext& worker = session.worker();
  uint64_t const start = worker.command_ticks;
  size_t errors_before = reply.errors();
  ScriptRun::Ended ended;
  bool const final = locks.may_extend(services_.keyspace);
  if (final) observe(session, command, args);
  {
    NestedCalls calls(*this, session, txn, locks);
    ended = script.run(calls, args, reply);
    if (calls.repeat_with()) return calls.repeat_with();
  }
  if (!final) observe(session, command, args);
  worker.command_ticks = start;  // its time is that of all that it has called
  if (ended == ScriptRun::Ended::kCountedError) {
    errors_before = reply.errors();
    worker.statistics.commands[command.id].failed.add(1);
  }
  count(session, command, args, reply, errors_before);
  return std::nullopt;
}

void Gate::count(Session& session, Command const& command, Args args, Reply& reply, size_t errors_before) {
  WorkerContext& worker = session.worker();
  uint64_t now = ticks();
  uint64_t spent = services_.tick_scale.nanoseconds(now - worker.command_ticks);
  worker.command_ticks = now;
  worker.statistics.commands_processed.add(1);
  count_call(session, command, args, spent, reply.errors() != errors_before, reply.last_error_code());
}

void Gate::queue(Session& session, Command const& command, Args args, Reply& reply) {
  QueuedCommand queued{&command, {}};
  queued.argv.reserve(args.size());
  for (std::string_view argument : args.span()) {
    queued.argv.emplace_back(argument);
    session.transaction.queue_bytes += argument.size() + sizeof(std::string);
  }
  session.transaction.queue.push_back(std::move(queued));
  session.card().queued_commands.store(static_cast<int>(session.transaction.queue.size()), std::memory_order_relaxed);
  session.card().queued_bytes.store(session.transaction.queue_bytes, std::memory_order_relaxed);
  reply.status("QUEUED");
}

void Gate::build_exec_locks(Session& session, LockSet& locks) {
  Keyspace& keyspace = services_.keyspace;
  std::vector<std::string_view> views;
  for (QueuedCommand const& queued : session.transaction.queue) {
    Args const args = args_of(queued, views);
    if (needs_all_partitions(*queued.command, args) || queued.command->kind == Command::Kind::kTask) {
      locks.add_all(keyspace);
      return;
    }
    add_keys(session.worker(), keyspace, *queued.command, args, locks);
    // A transaction is not taken back: its scripts get what they need while it holds what it has.
    if (queued.command->kind == Command::Kind::kScript) locks.want_lane();
  }
  for (WatchedKey const& watched : session.watched) locks.add_key(keyspace, watched.key);
}

void Gate::run_exec(Session& session, Args args, Reply& reply, LockSet& locks) {
  WorkerContext& worker = session.worker();
  // Taken out first: the handlers see a connection outside of MULTI (CLIENT LIST shows it inside until the end).
  Transaction transaction = std::exchange(session.transaction, {});
  WatchFlag flag = session.watch_flag;
  std::vector<WatchedKey> watched = std::move(session.watched);
  session.unwatch();

  Txn txn(services_.keyspace, locks, worker.scratch, worker.now_ms);
  txn.set_client(session.card().id);
  if (!session.touch_keys) txn.set_no_touch();
  if (session.owns_keyspace()) txn.serve_nobody();
  // A watched key that has expired since counts as changed: looking at it deletes it and sets the flag.
  for (WatchedKey const& key : watched) txn.find_in(key.db, key.key, Lookup::kPeek);
  if (flag && flag->load(std::memory_order_relaxed)) {
    observe(session, *exec_, args);
    note_offset(session, txn.commit());
    reply.null_array();
    session.end_transaction();
    return;
  }
  session.executing_transaction = true;
  reply.array(transaction.queue.size());
  std::vector<std::string_view> views;
  for (QueuedCommand const& queued : transaction.queue) {
    txn.select(session.db());
    if (queued.command->kind == Command::Kind::kScript) {
      run_queued_script(session, *queued.command, args_of(queued, views), reply, txn, locks);
    } else {
      run_nested(session, *queued.command, args_of(queued, views), reply, txn, CalledBy::kClient);
    }
  }
  session.executing_transaction = false;
  session.end_transaction();
  observe(session, *exec_, args);
  note_offset(session, txn.commit());
}

void Gate::run_queued_script(Session& session, Command const& command, Args args, Reply& reply, Txn& txn, LockSet& locks) {
  size_t errors_before = reply.errors();
  if (std::unique_ptr<ScriptRun> script = command.script(session, args, reply)) {
    auto repeat_with = run_script_in(session, command, args, reply, txn, locks, *script);
    CHECK(!repeat_with);
  } else {
    count(session, command, args, reply, errors_before);
  }
}

void Gate::run_nested(Session& session, Command const& command, Args args, Reply& reply, Txn& txn, CalledBy by) {
  size_t errors_before = reply.errors();
  txn.begin_command(args.span());
  switch (command.kind) {
    case Command::Kind::kData: command.data(txn, args, reply); break;
    case Command::Kind::kSessionData: command.session_data(txn, session, args, reply); break;
    case Command::Kind::kSession: command.session(session, args, reply); break;
    case Command::Kind::kTask:
      if (std::unique_ptr<Task> task = command.task(session, args, reply)) {
        run_task_in_transaction(session, *task, txn, reply);
      }
      break;
    case Command::Kind::kScript:
    case Command::Kind::kContainer: break;
  }
  reply.write_rest();
  txn.end_command();
  if (auto const request = txn.take_wait_request()) reply_nothing(*request, reply);
  if (session.tracking) [[unlikely]] remember_read(session, command, args, txn);
  observe(session, command, args, by);
  count(session, command, args, reply, errors_before);
}

}  // namespace holdfast
