#include "command/task_runner.h"

#include "base/ticks.h"
#include "command/count_call.h"
#include "command/gate.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "keyspace/keyspace.h"

namespace holdfast {

class TaskRunner::Slice final : public TaskSlice {
 public:
  Slice(TaskRunner& runner, Reply& reply, uint64_t deadline) : runner_(runner), reply_(reply), deadline_(deadline) {}

  Reply& reply() override { return reply_; }
  Session& session() override { return runner_.session_; }
  int64_t now_ms() const override { return runner_.session_.worker().now_ms; }
  bool expired() const override { return ticks() >= deadline_; }
  bool in_transaction() const override { return false; }

  bool with_partition(uint32_t partition, std::function<void(Txn&)> const& work) override {
    runner_.one_.clear();
    runner_.one_.add_partition(partition);
    return run_if_locked(work);
  }

  bool with_keys(std::span<std::string_view const> keys, std::function<void(Txn&)> const& work) override {
    Keyspace& keyspace = runner_.session_.services().keyspace;
    runner_.one_.clear();
    for (std::string_view key : keys) runner_.one_.add_key(keyspace, key);
    return run_if_locked(work);
  }

  bool with_all_partitions(std::function<void(Txn&)> const& work) override {
    Keyspace& keyspace = runner_.session_.services().keyspace;
    if (!runner_.all_wanted_) {
      runner_.all_.clear();
      runner_.all_.add_all(keyspace);
      runner_.all_wanted_ = true;
    }
    // The waiter's wake is not needed: the next slice tries again.
    if (runner_.session_.owns_keyspace()) {
      runner_.all_.assume();
    } else if (runner_.all_.lock(keyspace, runner_.session_.waiter()) == LockSet::Outcome::kParked) {
      return false;
    }
    runner_.all_wanted_ = false;
    run(runner_.all_, work);
    return true;
  }

 private:
  bool run_if_locked(std::function<void(Txn&)> const& work) {
    if (runner_.session_.owns_keyspace()) {
      runner_.one_.assume();
      run(runner_.one_, work);
      return true;
    }
    Keyspace& keyspace = runner_.session_.services().keyspace;
    if (runner_.all_wanted_) return with_all_partitions(work);
    do {
      // With waiters everywhere the set takes all partitions, and those are waited for.
      if (runner_.one_.global()) return with_all_partitions(work);
      if (!runner_.one_.try_lock(keyspace)) return false;
    } while (!runner_.one_.covers_waiters(keyspace));
    run(runner_.one_, work);
    return true;
  }

  void run(LockSet& locks, std::function<void(Txn&)> const& work) {
    Session& session = runner_.session_;
    Txn txn(session.services().keyspace, locks, session.worker().scratch, session.worker().now_ms);
    txn.select(session.db());
    txn.set_client(session.card().id);
    if (session.owns_keyspace()) txn.serve_nobody();
    work(txn);
    note_offset(session, txn.commit(false));
  }

  TaskRunner& runner_;
  Reply& reply_;
  uint64_t deadline_;
};

TaskRunner::TaskRunner(Session& session, Command const& command, Args args, std::unique_ptr<Task> task)
    : session_(session), command_(command), arguments_(args.span().begin(), args.span().end()), task_(std::move(task)) {
  session.card().argument_bytes.store(args.bytes(), std::memory_order_relaxed);
}

TaskRunner::~TaskRunner() {
  session_.card().argument_bytes.store(0, std::memory_order_relaxed);
  if (all_wanted_) all_.abandon(session_.services().keyspace);
}

Task::Progress TaskRunner::slice(Reply& reply, int64_t budget_us) {
  TickScale const& scale = session_.services().tick_scale;
  uint64_t start = ticks();
  Slice slice(*this, reply, start + scale.ticks_of_microseconds(static_cast<uint64_t>(budget_us)));
  size_t errors_before = reply.errors();
  Task::Progress progress = task_->step(slice);
  ticks_ += ticks() - start;
  if (progress == Task::Progress::kDone) {
    std::vector<std::string_view> views(arguments_.begin(), arguments_.end());
    // An error ends a task, so it is in the last slice.
    count_call(session_, command_, Args(views), scale.nanoseconds(ticks_), reply.errors() != errors_before,
               reply.last_error_code());
  }
  return progress;
}

namespace {

class TransactionSlice final : public TaskSlice {
 public:
  TransactionSlice(Session& session, Txn& txn, Reply& reply) : session_(session), txn_(txn), reply_(reply) {}
  Reply& reply() override { return reply_; }
  Session& session() override { return session_; }
  int64_t now_ms() const override { return txn_.now_ms(); }
  bool expired() const override { return false; }
  bool in_transaction() const override { return true; }
  bool with_partition(uint32_t, std::function<void(Txn&)> const& work) override {
    work(txn_);
    return true;
  }
  bool with_keys(std::span<std::string_view const>, std::function<void(Txn&)> const& work) override {
    work(txn_);
    return true;
  }
  bool with_all_partitions(std::function<void(Txn&)> const& work) override {
    work(txn_);
    return true;
  }

 private:
  Session& session_;
  Txn& txn_;
  Reply& reply_;
};

}  // namespace

void run_task_in_transaction(Session& session, Task& task, Txn& txn, Reply& reply) {
  TransactionSlice slice(session, txn, reply);
  while (task.step(slice) != Task::Progress::kDone) continue;
}

}  // namespace holdfast
