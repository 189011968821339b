#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/mutex.h"

namespace holdfast::log {

/// Knows up to which offset the stream is safe on disk.
///
/// Increments have generations, counted in this process. The safe offset follows the fsyncs of the current generation.
/// A failed fsync breaks the chain: what comes after it in the stream is not safe, however well later fsyncs go, until
/// a base is committed whose cut begins a later generation. Then everything up to the cut is safe by that base, and
/// what later generations have synced meanwhile is safe as well.
///
/// All members are safe from any thread once the first file is open; add_listener only before that.
class Durability {
 public:
  using Listener = std::function<void(uint64_t durable_offset)>;

  explicit Durability(uint64_t offset) : synced_(offset), durable_(offset) {}

  /// `listener` is called after the durable offset has moved, on the thread that moved it, without locks.
  void add_listener(Listener listener) { listeners_.push_back(std::move(listener)); }

  /// The file of `generation` is on disk up to `offset`, and all generations before it to their ends.
  void synced(uint64_t generation, uint64_t offset) EXCLUDES(mutex_);
  /// An fsync of the file of `generation` failed.
  void sync_failed(uint64_t generation, int errnum) EXCLUDES(mutex_);
  /// A base with everything up to `cut_offset` is in the manifest; the increment after the cut is `first_generation`.
  void base_committed(uint64_t first_generation, uint64_t cut_offset) EXCLUDES(mutex_);
  /// The log was switched off at `offset`: nothing is waited for any more.
  void switched_off(uint64_t offset) EXCLUDES(mutex_);
  /// The stream continues elsewhere (nobody waits): sets the offset even backwards and calls nobody.
  void restart(uint64_t offset) EXCLUDES(mutex_);

  uint64_t durable_offset() const { return durable_.load(std::memory_order_acquire); }
  /// errno of the fsync that broke the chain, 0 while it is whole.
  int broken_errnum() const EXCLUDES(mutex_);
  bool is_broken(uint64_t generation) const EXCLUDES(mutex_);

 private:
  /// Moves the durable offset forward; true when it moved.
  bool move_to(uint64_t offset) REQUIRES(mutex_);
  void tell();

  mutable Mutex mutex_;
  /// Highest offset synced in a generation after the broken one.
  uint64_t synced_ GUARDED_BY(mutex_);
  uint64_t broken_generation_ GUARDED_BY(mutex_) = 0;
  int broken_errnum_ GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> durable_;
  std::vector<Listener> listeners_;
};

}  // namespace holdfast::log
