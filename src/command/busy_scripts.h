#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "keyspace/lock_set.h"

namespace holdfast {

/// A script that has run for longer than busy-reply-threshold. Changed by its worker; others look at it and may kill it.
class BusyScript {
 public:
  enum class Kind : uint8_t { kScript, kFunction };

  BusyScript(Kind of, std::string called, std::vector<std::string> words, int64_t began_ms, bool wrote)
      : kind(of),
        name(std::move(called)),
        command(std::move(words)),
        start_ms(began_ms),
        state_(wrote ? State::kWrote : State::kRunning) {}

  Kind const kind;
  std::string const name;
  std::vector<std::string> const command;
  int64_t const start_ms;  ///< monotonic

  /// Its worker, before each command that writes. False: it was killed and must not.
  bool may_write() {
    State running = State::kRunning;
    return state_.compare_exchange_strong(running, State::kWrote, std::memory_order_acq_rel) || running == State::kWrote;
  }
  /// Any thread. False: it has written, and what has begun is not left half done.
  bool kill() {
    State running = State::kRunning;
    return state_.compare_exchange_strong(running, State::kKilled, std::memory_order_acq_rel) || running == State::kKilled;
  }
  bool killed() const { return state_.load(std::memory_order_acquire) == State::kKilled; }

  /// What it holds: of its worker, whenever that has become more.
  void set_held(LockSet const& locks) EXCLUDES(mutex_);
  /// Whether `wanted` may be waiting for it.
  bool holds_any(LockSet const& wanted) const EXCLUDES(mutex_);

 private:
  enum class State : uint8_t { kRunning, kWrote, kKilled };
  std::atomic<State> state_;
  mutable Mutex mutex_;
  std::vector<uint32_t> partitions_ GUARDED_BY(mutex_);     // sorted
  bool keys_only_ GUARDED_BY(mutex_) = false;               // of them it holds some keys
  std::unordered_set<uint64_t> keys_ GUARDED_BY(mutex_);    // hashes
  size_t further_keys_ GUARDED_BY(mutex_) = 0;              // as the lock set had them
};

/// All of them. Any thread; the mutexes are leaves.
class BusyScripts {
 public:
  /// One relaxed load.
  bool any() const { return count_.load(std::memory_order_relaxed) > 0; }
  void add(std::shared_ptr<BusyScript> script);
  void remove(BusyScript const* script);

  /// The process exits: every script must end at once, whatever it has written; what it has done is not logged.
  void end_all() { all_end_.store(true, std::memory_order_release); }
  bool all_end() const { return all_end_.load(std::memory_order_acquire); }
  /// Kills those that have not written. Returns how many have.
  size_t kill_all();

  /// The oldest; null: none.
  std::shared_ptr<BusyScript> oldest() const;
  /// The oldest of those that hold some of these; null: none does.
  std::shared_ptr<BusyScript> holder_of(LockSet const& wanted) const;

 private:
  std::vector<std::shared_ptr<BusyScript>> all() const EXCLUDES(mutex_);

  std::atomic<int> count_{0};
  std::atomic<bool> all_end_{false};
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<BusyScript>> scripts_ GUARDED_BY(mutex_);
};

/// What is answered to who needs what such a script holds.
std::string_view busy_error(BusyScript::Kind kind);

}  // namespace holdfast
