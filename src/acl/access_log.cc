#include "acl/access_log.h"

#include <algorithm>
#include <utility>

namespace holdfast::acl {
namespace {

/// How many of the newest entries are compared with a new one, and how old they may be.
constexpr size_t kCompared = 10;
constexpr int64_t kCountedUpMilliseconds = 60'000;

}  // namespace

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::kCommand: return "command";
    case Reason::kKey: return "key";
    case Reason::kAuth: return "auth";
    case Reason::kChannel: return "channel";
  }
  return "";
}

std::string_view name_of(Context context) {
  switch (context) {
    case Context::kTopLevel: return "toplevel";
    case Context::kMulti: return "multi";
    case Context::kScript: return "lua";
  }
  return "";
}

void AccessLog::add(Entry entry, int64_t now_ms, size_t entries_max) {
  counts_[static_cast<size_t>(entry.reason)].fetch_add(1, std::memory_order_relaxed);
  entry.created_ms = entry.updated_ms = now_ms;
  std::deque<Entry> dropped;  // destroyed after the mutex is left
  MutexLock lock(mutex_);
  auto const compared = entries_.begin() + static_cast<ptrdiff_t>(std::min(kCompared, entries_.size()));
  auto const same = std::find_if(entries_.begin(), compared, [&](Entry const& each) {
    return each.reason == entry.reason && each.context == entry.context && each.object == entry.object &&
           each.username == entry.username && now_ms - each.updated_ms <= kCountedUpMilliseconds;
  });
  if (same == compared) {
    entry.id = ids_++;
  } else {
    entry.id = same->id;
    entry.count = same->count + 1;
    entry.created_ms = same->created_ms;
    entries_.erase(same);
  }
  entries_.push_front(std::move(entry));
  while (entries_.size() > entries_max) {
    dropped.push_back(std::move(entries_.back()));
    entries_.pop_back();
  }
}

std::vector<AccessLog::Entry> AccessLog::newest(size_t count) const {
  MutexLock lock(mutex_);
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(std::min(count, entries_.size()))};
}

void AccessLog::reset() {
  std::deque<Entry> dropped;
  MutexLock lock(mutex_);
  dropped.swap(entries_);
}

void AccessLog::reset_counts() {
  for (auto& each : counts_) each.store(0, std::memory_order_relaxed);
}

}  // namespace holdfast::acl
