#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace holdfast {

/// Set when a key that a connection WATCHes has changed. Shared between the connection and the watch tables.
using WatchFlag = std::shared_ptr<std::atomic<bool>>;

/// The watched keys of one partition; guarded by its lock. A connection that stops watching just drops its flag: dead
/// entries are swept when the table has doubled.
class WatchTable {
 public:
  bool empty() const { return keys_.empty(); }
  void watch(int db, std::string_view key, WatchFlag const& flag);
  /// A key changed: its watchers are flagged and forgotten.
  void touch(int db, std::string_view key);
  /// Flags the watchers of each watched key of `db` for which `affected` holds.
  void touch_database(int db, std::function<bool(std::string_view key)> const& affected);

 private:
  static std::string name(int db, std::string_view key);
  void sweep();

  std::unordered_map<std::string, std::vector<std::weak_ptr<std::atomic<bool>>>> keys_;  // "<db>:<key>"
  size_t sweep_at_ = 64;
};

}  // namespace holdfast
