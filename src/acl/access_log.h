#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace holdfast::acl {

/// What was refused, in the order in which one reason outweighs another when several selectors refuse.
enum class Reason : uint8_t { kCommand, kKey, kAuth, kChannel };
inline constexpr size_t kReasonCount = 4;

/// Where.
enum class Context : uint8_t { kTopLevel, kMulti, kScript };

std::string_view name_of(Reason reason);
std::string_view name_of(Context context);

/// What was refused last (ACL LOG), and how often (INFO). Any thread; the mutex is a leaf.
class AccessLog {
 public:
  struct Entry {
    Reason reason;
    Context context;
    std::string object;    ///< the command, key or channel
    std::string username;
    std::string client;    ///< a line of CLIENT LIST without its end
    uint64_t count = 1;
    uint64_t id = 0;
    int64_t created_ms = 0;  ///< Unix ms
    int64_t updated_ms = 0;
  };

  /// `entry` with reason, context, object, username and client. One of the newest that says the same, and is not older than a
  /// minute, is counted up instead and becomes the newest.
  void add(Entry entry, int64_t now_ms, size_t entries_max) EXCLUDES(mutex_);
  /// Newest first, at most `count`.
  std::vector<Entry> newest(size_t count) const EXCLUDES(mutex_);
  void reset() EXCLUDES(mutex_);

  /// How often this was refused; reset_counts for CONFIG RESETSTAT.
  uint64_t count(Reason reason) const { return counts_[static_cast<size_t>(reason)].load(std::memory_order_relaxed); }
  void reset_counts();

 private:
  std::array<std::atomic<uint64_t>, kReasonCount> counts_{};
  mutable Mutex mutex_;
  std::deque<Entry> entries_ GUARDED_BY(mutex_);  ///< newest first
  uint64_t ids_ GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::acl
