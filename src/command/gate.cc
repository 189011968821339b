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
#include "command/rest_of_reply.h"
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

std::string unknown_subcommand(Args args) {
  return "unknown subcommand '" + std::string(shown(args[1], kUnknownTextMax)) + "'. Try " + to_upper(args[0]) + " HELP.";
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
  // CLIENT LIST names what was refused, too, and nothing when there is no such command.
  session.card().last_command.store(command ? command->id : ClientCard::kNoCommand, std::memory_order_relaxed);
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
      reject(session, nullptr, reply, unknown_subcommand(args));
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
  bool const restricted = !session.unrestricted();
  if (restricted && !admit_user(session, *command, reply)) [[unlikely]] return false;
  if (session.transaction.open && (flags & kNoMulti)) {
    reject(session, command, reply, errors::kNotInTransaction);
    return false;
  }
  if (restricted && !admit_access(session, *command, args, reply)) [[unlikely]] return false;
  if ((services_.state.memory_limit.on() || session.out_of_memory) && refused_for_memory(session, *command, flags)) [[unlikely]] {
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
  if (flags & kWrite) {
    if (std::string_view const refusal = services_.guards.write_refusal(); !refusal.empty()) [[unlikely]] {
      reject(session, command, reply, refusal);
      return false;
    }
  }
  if (session.subscribed() && session.protocol() == 2 && !(flags & kWhileSubscribed)) [[unlikely]] {
    reject(session, command, reply,
           "Can't execute '" + command->full_name +
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
    return false;
  }
  if (services_.guards.restricted_by(WriteGuards::kStaleReplica) && !(flags & kStale)) [[unlikely]] {
    reject(session, command, reply, errors::kStaleReplica);
    return false;
  }
  if (services_.persistence.loading() && !(flags & kAllowLoading)) [[unlikely]] {
    reject(session, command, reply, errors::kLoading);
    return false;
  }
  if (session.worker().suspended && must_not_overtake(session, *command)) [[unlikely]] {
    reject(session, command, reply, busy_error(session.worker().suspended->kind));
    return false;
  }
  if (session.monitors && (flags & (kWrite | kReadonly | kMayReplicate))) [[unlikely]] {
    reject(session, command, reply, "Replica can't interact with the keyspace");
    return false;
  }
  return true;
}

bool Gate::refused_for_memory(Session& session, Command const& command, uint32_t flags) {
  // With one worker nothing is locked, and what a suspended script works with must stay.
  if (session.worker().suspended && !services_.keyspace.concurrent()) return false;
  MemoryLimit& limit = services_.state.memory_limit;
  MemoryLimit::Room const room = limit.make_room(services_.keyspace, session.worker(), services_.latency);
  if (room == MemoryLimit::Room::kGoesOn) limit.ask_for_help();
  session.out_of_memory = room == MemoryLimit::Room::kNone;
  if (!session.out_of_memory) return false;
  bool const queues = session.transaction.open && &command != exec_ && &command != discard_ && &command != quit_ && &command != reset_;
  return queues || (flags & kDenyOom);
}

bool Gate::must_not_overtake(Session& session, Command const& command) const {
  if (command.has(kAllowBusy)) return false;
  // With one worker nothing is locked. A long command would go on in slices only when the script has ended; and the second
  // script could run for long as well.
  auto const lasts = [](Command const& each) {
    return each.kind == Command::Kind::kTask || each.kind == Command::Kind::kScript;
  };
  if (!services_.keyspace.concurrent() || lasts(command)) return true;
  return &command == exec_ && std::ranges::any_of(session.transaction.queue,
                                                  [&](QueuedCommand const& queued) { return lasts(*queued.command); });
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
      // What comes from the primary is one transaction, which sees what has expired there.
      if (command.long_form && !session.tracking && !session.stream_piece()) [[unlikely]] {
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
      if (!session.parked) {
        session.parked = std::make_unique<Session::Parked>();
        session.parked->since_us = services_.clock.monotonic_us();
      }
      session.parked->command = &command;
      if (&locks != &session.parked->locks) std::swap(session.parked->locks, locks);
      return Outcome::kParked;
    }
  } while (!locks.covers_waiters(services_.keyspace));
  return run_data(session, command, args, reply, locks);
}

bool Gate::refused_as_busy(Session& session, Command const& command, Reply& reply, LockSet& locks) {
  if (!services_.state.busy_scripts.any() || session.trusted()) [[likely]] return false;
  std::shared_ptr<BusyScript> const holder = services_.state.busy_scripts.holder_of(locks);
  if (!holder) return false;
  refuse_as_busy(session, command, reply, locks, holder->kind);
  return true;
}

void Gate::refuse_as_busy(Session& session, Command const& command, Reply& reply, LockSet& locks, BusyScript::Kind kind) {
  locks.abandon(services_.keyspace);
  session.script_run.reset();
  reject(session, &command, reply, busy_error(kind));
}

Gate::Outcome Gate::resume(Session& session, Args args, Reply& reply) {
  std::unique_ptr<Session::Parked> parked = std::move(session.parked);
  if (session.worker().suspended && must_not_overtake(session, *parked->command)) [[unlikely]] {
    refuse_as_busy(session, *parked->command, reply, parked->locks, session.worker().suspended->kind);
    return Outcome::kDone;
  }
  parked->locks.forget_keys();  // the arguments may have moved while the connection was parked
  session.worker().command_ticks = ticks();
  do {
    if (parked->locks.lock(services_.keyspace, session.waiter()) == LockSet::Outcome::kParked) {
      if (refused_as_busy(session, *parked->command, reply, parked->locks)) return Outcome::kDone;
      session.parked = std::move(parked);
      return Outcome::kParked;
    }
  } while (!parked->locks.covers_waiters(services_.keyspace));
  session.lock_wait_us = services_.clock.monotonic_us() - parked->since_us;
  session.worker().statistics.lock_waits.record(static_cast<uint64_t>(session.lock_wait_us) * 1000);
  Outcome const outcome = run_data(session, *parked->command, args, reply, parked->locks);
  session.lock_wait_us = 0;
  return outcome;
}

Gate::Outcome Gate::run_data(Session& session, Command const& command, Args args, Reply& reply, LockSet& locks) {
  // A pause may have begun since the command was let in; CLIENT PAUSE relies on this look under the locks.
  if (held_by_pause(session, command)) [[unlikely]] {
    locks.unlock(services_.keyspace);
    session.script_run.reset();
    return Outcome::kHeld;
  }
  // The same for the role: when all partitions were taken for becoming a replica, nobody writes any more.
  if (services_.guards.restricted_by(WriteGuards::kReadOnlyReplica)) [[unlikely]] {
    if (!session.trusted() && writes(session, command, kWrite)) {
      locks.unlock(services_.keyspace);
      session.script_run.reset();
      reject(session, &command, reply, errors::kReadOnlyReplica);
      return Outcome::kDone;
    }
  }
  if (locks.keys().size() > 1) locks.prefetch(services_.keyspace, session.db());
  if (&command == exec_) {
    uint64_t const start = session.worker().command_ticks;
    run_exec(session, args, reply, locks);
    // Its time is that of all, though each of its commands was counted. Their errors are not its own.
    session.worker().command_ticks = start;
    count(session, command, args, reply, reply.errors());
    return Outcome::kDone;
  }
  if (command.kind == Command::Kind::kScript) return run_script(session, command, args, reply, locks);
  if (--session.worker().until_sampled == 0) [[unlikely]] sample_keys(session, command, args);
  size_t errors_before = reply.errors();
  {
    Txn txn(services_.keyspace, locks, session.worker().scratch, session.worker().now_ms);
    txn.select(session.db());
    txn.set_client(session.card().id);
    if (!session.touch_keys) txn.set_no_touch();
    if (session.trusted()) [[unlikely]] prepare_trusted(session, txn);
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
    if (waits) {
      session.card().argument_bytes.store(args.bytes(), std::memory_order_relaxed);
      return Outcome::kBlocked;
    }
  }
  if (reply.has_rest()) [[unlikely]] {
    return begin_task(session, command, args, std::make_unique<RestOfReply>(reply.take_rest()));
  }
  count(session, command, args, reply, errors_before);
  return Outcome::kDone;
}

void Gate::sample_keys(Session& session, Command const& command, Args args) {
  WorkerContext& worker = session.worker();
  // Never in step with what clients do.
  worker.until_sampled = 1 + static_cast<uint32_t>(worker.random.below(2 * HotKeys::kSampledOneOf - 1));
  if (session.trusted()) return;
  for_each_key(command, args, [&](std::string_view key) {
    uint64_t const hash = services_.keyspace.hash(key);
    Partition& partition = services_.keyspace.partition(services_.keyspace.partition_index(hash));
    if (!partition.hot) partition.hot = std::make_unique<HotKeys>();
    partition.hot->sample(session.db(), hash, key, worker.now_ms);
  });
}

void Gate::prepare_trusted(Session& session, Txn& txn) {
  if (session.owns_keyspace()) txn.serve_nobody();
  if (StreamPiece* piece = session.stream_piece()) txn.replicate(*piece);
}

void Gate::observe(Session& session, Command const& command, Args args, CalledBy by) {
  Observers* observers = services_.observers;
  if (!observers || !observers->monitored.load(std::memory_order_relaxed)) [[likely]] return;
  // A script shows itself, before what it calls.
  bool const hidden = command.kind != Command::Kind::kScript && command.has(kAdmin | kSkipMonitor);
  if (!session.owns_keyspace() && !hidden) observers->executed(session, command, args, by == CalledBy::kScript);
}

void Gate::remember_read(Session& session, Command const& command, Args args, Txn& txn) {
  if (command.has(kReadonly)) services_.observers->has_read(session, command, args, txn);
}

void Gate::count(Session& session, Command const& command, Args args, Reply& reply, size_t errors_before) {
  WorkerContext& worker = session.worker();
  uint64_t now = ticks();
  uint64_t spent = services_.tick_scale.nanoseconds(now - worker.command_ticks);
  worker.command_ticks = now;
  worker.statistics.commands_processed.add(1);
  count_call(session, command, args, spent, reply.errors() != errors_before, reply.last_error_code());
}

}  // namespace holdfast
