#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "base/mutex.h"
#include "snapshot/block.h"
#include "structures/touched_places.h"

namespace holdfast::snapshot {

/// Bytes waiting for the file thread above which the walk pauses and the gate holds writers back.
inline constexpr size_t kQueueBytesMax = 4 * 1024 * 1024;
/// Bytes below which they go on.
inline constexpr size_t kQueueBytesResume = kQueueBytesMax / 2;

/// Bytes waiting above which a walk for digests pauses, long before writers are held back, and below which it goes on.
inline constexpr size_t kQueueBytesAhead = 1024 * 1024;
inline constexpr size_t kQueueBytesAheadResume = kQueueBytesAhead / 2;

/// Of a value that is being written, writers may copy this much before the gate holds them back: bytes at least, and the share of
/// the memory in use.
inline constexpr size_t kCopiedBytesMin = 4 * 1024 * 1024;
inline constexpr size_t kCopiedMemoryShare = 16;

/// Blocks on their way from the savers (many threads) to the file thread (one). Never refuses a block: a saver holds a
/// partition's lock and cannot wait; instead `congested` asks everyone to save no more for a while. What may come on
/// top is what transactions under way still save: a few segments each.
class BlockQueue {
 public:
  /// Called by the file thread, without locks, when congestion ends, or `ahead`. Set before use, or when nobody else is left.
  void on_relief(std::function<void()> hook);

  // ---- savers
  /// An empty block, one used before if there is one.
  BlockPtr fresh() EXCLUDES(mutex_);
  void push(BlockPtr block) EXCLUDES(mutex_);
  /// Too much waits, or was copied by writers of the value that is being written. Two relaxed loads.
  bool congested() const { return congested_.load(std::memory_order_relaxed) || copies_.exceeded(); }
  /// There is enough to do for the file thread for now. One relaxed load.
  bool ahead() const { return ahead_.load(std::memory_order_relaxed); }
  /// No block comes any more.
  void close() EXCLUDES(mutex_);
  /// As close, for ever: the process ends.
  void shut_down() EXCLUDES(mutex_);

  // ---- the file thread
  /// Waits for the next block; null after the last one, when the queue is closed.
  BlockPtr pop() EXCLUDES(mutex_);
  /// Gives a block back that `pop` gave. Its bytes count as waiting until then.
  void give_back(BlockPtr block) EXCLUDES(mutex_);
  /// Empty and open again, for the next cut, whose writers may copy `copied_bytes_max` of a value.
  void reset(size_t copied_bytes_max = kCopiedBytesMin) EXCLUDES(mutex_);

  /// Most bytes that ever waited since the last reset; for tests and figures.
  size_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kSpareBlocksMax = 16;

  std::function<void()> relief_;
  CopyBudget copies_;  // outlives the blocks
  Mutex mutex_;
  std::condition_variable ready_;
  std::deque<BlockPtr> queue_ GUARDED_BY(mutex_);
  std::vector<BlockPtr> spare_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  bool shut_down_ GUARDED_BY(mutex_) = false;
  std::atomic<size_t> waiting_bytes_{0};
  std::atomic<size_t> peak_bytes_{0};
  std::atomic<bool> congested_{false};
  std::atomic<bool> ahead_{false};
};

}  // namespace holdfast::snapshot
