#include "command/pause.h"

#include <algorithm>

#include "keyspace/keyspace.h"

namespace holdfast {

void Pause::start(Purpose purpose, Mode mode, int64_t now_ms, int64_t until_ms) {
  MutexLock lock(mutex_);
  Entry& entry = entries_[static_cast<int>(purpose)];
  if (entry.until_ms <= now_ms) entry = {};
  entry.mode = std::max(entry.mode, mode);
  entry.until_ms = std::max(entry.until_ms, until_ms);
  publish();
}

void Pause::stop(Purpose purpose) {
  MutexLock lock(mutex_);
  entries_[static_cast<int>(purpose)] = {};
  publish();
}

void Pause::publish() {
  int64_t all = 0;
  int64_t write = 0;
  for (Entry const& entry : entries_) {
    if (entry.mode == Mode::kAll) all = std::max(all, entry.until_ms);
    if (entry.mode == Mode::kWrite) write = std::max(write, entry.until_ms);
  }
  all_until_ms_.store(all, std::memory_order_relaxed);
  write_until_ms_.store(write, std::memory_order_relaxed);
  keyspace_.unchanged_until_ms.store(std::max(all, write), std::memory_order_relaxed);
}

Pause::Mode Pause::mode(int64_t now_ms) const {
  if (now_ms < all_until_ms_.load(std::memory_order_relaxed)) return Mode::kAll;
  if (now_ms < write_until_ms_.load(std::memory_order_relaxed)) return Mode::kWrite;
  return Mode::kNone;
}

}  // namespace holdfast
