#include <utility>

#include "base/check.h"
#include "command/blocked_client.h"
#include "command/gate.h"
#include "command/lock_needs.h"
#include "command/nested_calls.h"
#include "command/task_runner.h"
#include "command/worker_context.h"

// The gate's part of what runs several commands in one Txn: EXEC and scripts.

namespace holdfast {
namespace {

Args args_of(QueuedCommand const& queued, std::vector<std::string_view>& views) {
  views.assign(queued.argv.begin(), queued.argv.end());
  return Args(views);
}

}  // namespace

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
  if (session.trusted()) [[unlikely]] prepare_trusted(session, txn);
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
    if (!session.unrestricted() && !admit_queued(session, *queued.command, args_of(queued, views), reply)) [[unlikely]] continue;
    if (queued.command->kind == Command::Kind::kScript) {
      run_queued_script(session, *queued.command, args_of(queued, views), reply, txn, locks);
    } else {
      run_nested(session, *queued.command, args_of(queued, views), reply, txn, CalledBy::kClient);
    }
  }
  session.executing_transaction = false;
  session.end_transaction();
  observe(session, *exec_, args);
  if (StreamPiece* piece = session.trusted() ? session.stream_piece() : nullptr) piece->db = session.db();
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
  if (--session.worker().until_sampled == 0) [[unlikely]] sample_keys(session, command, args);
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
    if (session.trusted()) [[unlikely]] prepare_trusted(session, txn);
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

}  // namespace holdfast
