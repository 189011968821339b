#include "keyspace/undo_journal.h"

#include <utility>

#include "base/number.h"

namespace holdfast {

std::string UndoJournal::name(int db, std::string_view key) { return to_text(db).append(":").append(key); }

UndoJournal::Entry* UndoJournal::find(int db, std::string_view key) {
  if (!index_.empty()) {
    auto found = index_.find(name(db, key));
    return found == index_.end() ? nullptr : &entries_[found->second];
  }
  for (Entry& entry : entries_) {
    if (entry.db == db && entry.key == key) return &entry;
  }
  return nullptr;
}

UndoJournal::Entry& UndoJournal::add(int db, std::string_view key, std::optional<DetachedValue> old) {
  entries_.push_back({.db = db, .key = std::string(key), .old = std::move(old)});
  if (entries_.size() > kLinearMax) {
    for (size_t i = index_.size(); i < entries_.size(); i++) index_.emplace(name(entries_[i].db, entries_[i].key), i);
  }
  return entries_.back();
}

void UndoJournal::clear() {
  entries_.clear();
  index_.clear();
}

}  // namespace holdfast
