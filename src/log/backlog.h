#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "base/mutex.h"
#include "base/result.h"

namespace holdfast::log {

class IncrementFile;

/// What can still be read of the stream by who was away: the files that the log writer has written since `start`, oldest
/// first. It holds no bytes itself, so a reader that is far behind costs disk space and no memory; what is near the end
/// comes from the page cache. A file that a rewrite has deleted is readable until it is trimmed.
///
/// Any thread. The mutex is a leaf; files are read outside of it.
class Backlog {
 public:
  /// The stream can be read from `offset` on (0-based: the number of bytes before). In a global transaction in which a file
  /// begins there.
  void start(uint64_t offset) EXCLUDES(mutex_);
  void stop() EXCLUDES(mutex_);
  /// False also when bytes were lost (disk full): it goes on with the next file.
  bool readable() const EXCLUDES(mutex_);
  /// One relaxed load.
  bool active() const { return active_.load(std::memory_order_relaxed); }

  /// Bytes of the stream from `offset` on, as many as are written and fit. 0: nothing is written there yet. Fails when the
  /// place is not held (any more), or the file cannot be read.
  Result<size_t> read(uint64_t offset, std::span<char> out) EXCLUDES(mutex_);

  struct Window {
    uint64_t begin = 0;
    uint64_t end = 0;  ///< what is written; more may be appended
  };
  /// What is held; nothing while it is not active.
  std::optional<Window> window() const EXCLUDES(mutex_);
  /// Whole files are forgotten while at least `keep_bytes` are left.
  void trim(uint64_t keep_bytes) EXCLUDES(mutex_);
  /// Bytes of the stream in the newest file.
  uint64_t newest_bytes() const EXCLUDES(mutex_);

  // ---- the log writer

  /// The next bytes, from `offset` on, go to this file.
  void begin_file(std::shared_ptr<IncrementFile> file, uint64_t offset) EXCLUDES(mutex_);
  void advance(uint64_t end_offset) EXCLUDES(mutex_);
  /// Bytes of the stream up to there are not in the file: nothing can be read before the next one begins.
  void lose(uint64_t end_offset) EXCLUDES(mutex_);

 private:
  struct Segment {
    uint64_t begin;
    std::shared_ptr<IncrementFile> file;
  };

  std::atomic<bool> active_{false};
  mutable Mutex mutex_;
  std::deque<Segment> segments_ GUARDED_BY(mutex_);
  uint64_t begin_ GUARDED_BY(mutex_) = 0;
  uint64_t end_ GUARDED_BY(mutex_) = 0;
  bool lost_ GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::log
