#pragma once

#include <memory>
#include <string>
#include <vector>

#include "command/task.h"
#include "keyspace/lock_set.h"

namespace holdfast {

struct Command;
class Session;

/// Runs the task of one connection slice by slice. Owned by the session; used on its worker only.
class TaskRunner {
 public:
  /// `args` are copied, for the slow log.
  TaskRunner(Session& session, Command const& command, Args args, std::unique_ptr<Task> task);
  ~TaskRunner();

  /// One slice of at most `budget_us`.
  Task::Progress slice(Reply& reply, int64_t budget_us);
  Command const& command() const { return command_; }
  size_t argument_count() const { return arguments_.size(); }
  bool streams() const { return task_->streams(); }

 private:
  class Slice;
  Session& session_;
  Command const& command_;
  std::vector<std::string> arguments_;
  std::unique_ptr<Task> task_;
  LockSet one_;
  LockSet all_;          // kept between slices while the slow lane is waited for
  bool all_wanted_ = false;
  uint64_t ticks_ = 0;   // spent so far
};

/// Runs a task to its end inside `txn`, which holds all partitions (EXEC).
void run_task_in_transaction(Session& session, Task& task, Txn& txn, Reply& reply);

}  // namespace holdfast
