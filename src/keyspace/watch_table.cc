#include "keyspace/watch_table.h"

#include <algorithm>

#include "base/number.h"

namespace holdfast {
namespace {

void flag_all(std::vector<std::weak_ptr<std::atomic<bool>>> const& watchers) {
  for (auto const& watcher : watchers) {
    if (auto flag = watcher.lock()) flag->store(true, std::memory_order_relaxed);
  }
}

}  // namespace

std::string WatchTable::name(int db, std::string_view key) { return to_text(db).append(":").append(key); }

void WatchTable::watch(int db, std::string_view key, WatchFlag const& flag) {
  if (keys_.size() >= sweep_at_) sweep();
  auto& watchers = keys_[name(db, key)];
  std::erase_if(watchers, [](auto const& watcher) { return watcher.expired(); });
  watchers.emplace_back(flag);
}

void WatchTable::touch(int db, std::string_view key) {
  auto found = keys_.find(name(db, key));
  if (found == keys_.end()) return;
  flag_all(found->second);
  keys_.erase(found);
}

void WatchTable::touch_database(int db, std::function<bool(std::string_view)> const& affected) {
  std::string prefix = name(db, "");
  std::erase_if(keys_, [&](auto const& entry) {
    std::string_view text = entry.first;
    if (!text.starts_with(prefix) || !affected(text.substr(prefix.size()))) return false;
    flag_all(entry.second);
    return true;
  });
}

void WatchTable::sweep() {
  for (auto entry = keys_.begin(); entry != keys_.end();) {
    std::erase_if(entry->second, [](auto const& watcher) { return watcher.expired(); });
    entry = entry->second.empty() ? keys_.erase(entry) : std::next(entry);
  }
  sweep_at_ = std::max<size_t>(64, keys_.size() * 2);
}

}  // namespace holdfast
