#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {

/// On a writable replica: keys of one partition to which clients of its own have given a time of expiry. Its primary does not
/// know them and will not delete them. A key has one place, however often its time changes. Under the lock of the partition.
class LocalExpiry {
 public:
  using Key = std::pair<int, std::string>;  ///< database and name

  void note(int db, std::string_view key, int64_t expire_ms) {
    forget(db, key);
    Key name(db, key);
    auto const place = by_time_.emplace(expire_ms, name);
    places_.emplace(std::move(name), place);
  }
  void forget(int db, std::string_view key) {
    auto const found = places_.find(Key(db, key));
    if (found == places_.end()) return;
    by_time_.erase(found->second);
    places_.erase(found);
  }
  /// A key whose time is before `now_ms`; it is forgotten.
  std::optional<Key> take_due(int64_t now_ms) {
    if (by_time_.empty() || by_time_.begin()->first >= now_ms) return std::nullopt;
    Key key = std::move(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
    places_.erase(key);
    return key;
  }
  size_t size() const { return places_.size(); }

 private:
  using ByTime = std::multimap<int64_t, Key>;
  ByTime by_time_;
  std::map<Key, ByTime::iterator> places_;
};

}  // namespace holdfast
