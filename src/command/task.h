#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "command/args.h"
#include "keyspace/txn.h"
#include "resp/reply.h"

namespace holdfast {

class Session;

/// What a slice of a task may use. While a task is unfinished its connection executes nothing else and is not read.
class TaskSlice {
 public:
  virtual ~TaskSlice() = default;
  /// Where the reply of the command goes. It may be written piece by piece over several slices; nothing is sent before the
  /// task is done.
  virtual Reply& reply() = 0;
  virtual Session& session() = 0;
  /// Unix ms, frozen for this slice.
  virtual int64_t now_ms() const = 0;
  /// True when the slice has used up its time: return kAgain soon.
  virtual bool expired() const = 0;
  /// Inside EXEC the whole task runs in one go under all locks, and must not wait.
  virtual bool in_transaction() const = 0;
  /// Runs `work` in a transaction that holds exactly this partition, and commits it. False when the lock was not to be had
  /// now: return kAgain and try again. `work` should take no more than about 50 us.
  virtual bool with_partition(uint32_t partition, std::function<void(Txn&)> const& work) = 0;
  /// The same for the partitions of these keys, all at once.
  virtual bool with_keys(std::span<std::string_view const> keys, std::function<void(Txn&)> const& work) = 0;
  /// Runs `work` in a transaction that holds all partitions (microseconds only). False: try again.
  virtual bool with_all_partitions(std::function<void(Txn&)> const& work) = 0;
};

/// A command whose work is proportional to the data, or that waits for something of the server: done in slices between the
/// turns of its worker's loop, so that it holds nobody up. Belongs to one connection and one worker; destroyed early when
/// the connection is closed.
class Task {
 public:
  enum class Progress : uint8_t {
    kAgain,  ///< wants the next slice as soon as the loop has served the others
    kWait,   ///< waits for something: step again in about a millisecond
    kDone,   ///< the reply is complete
  };
  virtual ~Task() = default;
  virtual Progress step(TaskSlice& slice) = 0;
  /// What it has written may be sent before it is done: it patches nothing.
  virtual bool streams() const { return false; }
};

}  // namespace holdfast
