#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "values/detached_value.h"

namespace holdfast {

/// What the keys that a transaction has changed were before, so that it can be taken back: a script runs without the slow
/// lane until it touches a key that it has not declared, and then has never run.
///
/// Values are kept frozen, in O(1) each. Belongs to one transaction at a time.
class UndoJournal {
 public:
  struct Entry {
    int db;
    std::string key;
    std::optional<DetachedValue> old;  ///< none: there was no such key
    uint64_t changes = 0;              ///< that were counted for the key since
    bool watchers_due = false;         ///< whoever WATCHes the key is to be told at the commit
  };

  /// The entry of a key, or null.
  Entry* find(int db, std::string_view key);
  Entry& add(int db, std::string_view key, std::optional<DetachedValue> old);
  std::vector<Entry>& entries() { return entries_; }
  void clear();

 private:
  /// Up to so many entries are found by looking at each.
  static constexpr size_t kLinearMax = 8;
  static std::string name(int db, std::string_view key);

  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;  // of all entries, once there are more than kLinearMax
};

}  // namespace holdfast
