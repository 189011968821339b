#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "values/value_type.h"

namespace holdfast {

class Record;
class Txn;

/// One command that waits for keys, as the key space knows it. Whoever makes one of its keys ready runs it there and then,
/// in its own transaction and on its own thread.
///
/// It waits in the lines of several keys, and its time may be over, its client gone or unblocked at the same moment: all of
/// them `claim` it, and exactly one succeeds.
class KeyWaiter {
 public:
  virtual ~KeyWaiter() = default;
  /// False from the claim on. Any thread.
  virtual bool waiting() const = 0;
  /// Takes it, to be served. Any thread.
  virtual bool claim() = 0;
  /// Whether it can be served with what `key` holds (null: nothing). Under the key's lock.
  virtual bool ready(std::string_view key, Record const* record) const = 0;
  /// Runs the command for `key` in `txn`. Precondition: claimed, ready.
  virtual void serve(Txn& txn, std::string_view key) = 0;
  /// Called once after `serve`, when the transaction is in the log and its locks are released. The reply depends on the log
  /// up to `offset`.
  virtual void deliver(uint64_t offset) = 0;
};

/// Those who wait for one key, in the order in which they came; a line for each type of value.
class WaitLine {
 public:
  void add(ValueType type, std::weak_ptr<KeyWaiter> waiter);
  /// The first in line for a value of `type`; null: nobody.
  std::shared_ptr<KeyWaiter> first(ValueType type);
  void drop_first(ValueType type);
  /// Shows each in line for a stream to `visit`, which says whether it leaves the line.
  void visit_streams(std::function<bool(std::shared_ptr<KeyWaiter> const&)> const& visit);
  /// Drops those who wait no more; returns how many are left.
  size_t sweep();
  size_t places() const;
  bool empty() const { return places() == 0; }

 private:
  using Queue = std::deque<std::weak_ptr<KeyWaiter>>;
  Queue& queue(ValueType type);
  std::array<Queue, 3> queues_;
};

/// The waiters of one partition; guarded by its lock. Who stops waiting does not come back to be taken out: the dead are
/// dropped by who meets them, and all of them when the table has doubled.
class WaitTable {
 public:
  bool empty() const { return lines_.empty(); }
  void add(int db, std::string_view key, ValueType type, std::shared_ptr<KeyWaiter> const& waiter);
  /// Notes that serving a waiter of the key with hash `key_hash` changes the key with hash `target_hash` as well.
  void add_target(uint64_t key_hash, uint64_t target_hash, std::shared_ptr<KeyWaiter> const& waiter);

  bool contains(int db, std::string_view key) const { return lines_.contains(name(db, key)); }
  /// Null: nobody waits for the key. Valid until `add`, or `drop_if_empty` of this key.
  WaitLine* find(int db, std::string_view key);
  void drop_if_empty(int db, std::string_view key);
  /// Places in all lines, those of the dead included.
  size_t places() const;
  /// Names of the keys of `db` that are waited for.
  std::vector<std::string> keys_of(int db) const;
  /// Calls `found` with the hash of each target of the waiters of a key, whatever its database.
  void find_targets(uint64_t key_hash, std::function<void(uint64_t target_hash)> const& found) const;

 private:
  struct Target {
    uint64_t hash;
    std::weak_ptr<KeyWaiter> waiter;
  };
  static std::string name(int db, std::string_view key);
  void count_one_more();

  /// Additions after which a table is swept at the earliest.
  static constexpr size_t kSweepAtMin = 64;

  std::unordered_map<std::string, WaitLine> lines_;  // "<db>:<key>"
  std::unordered_multimap<uint64_t, Target> targets_;  // by the hash of the key
  size_t added_ = 0;  // since the last sweep
  size_t sweep_at_ = kSweepAtMin;
};

}  // namespace holdfast
