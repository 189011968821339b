#include "keyspace/txn.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/number.h"
#include "keyspace/change_listener.h"
#include "keyspace/keyspace.h"
#include "keyspace/wait_request.h"
#include "log/effect_buffer.h"
#include "log/log.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

config::KeyspaceEvents class_of(ValueType type) {
  switch (type) {
    case ValueType::kList: return config::kEventList;
    case ValueType::kSet: return config::kEventSet;
    case ValueType::kZset: return config::kEventZset;
    case ValueType::kHash: return config::kEventHash;
    case ValueType::kStream: return config::kEventStream;
    case ValueType::kModule: return config::kEventModule;
    case ValueType::kString: break;
  }
  return config::kEventString;
}

bool is_expired(Record const* record, int64_t now_ms) { return record->has_expiry() && record->expire_ms() < now_ms; }

}  // namespace

Txn::Txn(Keyspace& keyspace, LockSet& locks, TxnScratch& scratch, int64_t now_ms)
    : keyspace_(keyspace), locks_(locks), scratch_(scratch), now_ms_(now_ms) {
  DCHECK(locks.held());
  DCHECK(scratch.commands.empty());
}

Txn::~Txn() {
  if (!committed_) commit();
}

Txn::KeyHome Txn::home(std::string_view key) const {
  uint64_t hash = locks_.hash_of(keyspace_, key);
  uint32_t index = keyspace_.partition_index(hash);
  DCHECK(locks_.holds_now(index));
  return {hash, &keyspace_.partition(index)};
}

KeyTable::Slot Txn::locate(int db, KeyHome const& home, std::string_view key) const {
  KeyTable* table = this->table(db, home);
  return table ? table->find(home.hash, key) : KeyTable::Slot{};
}

Record* Txn::find_in(int db, std::string_view key, Lookup lookup) {
  KeyHome home = this->home(key);
  KeyTable::Slot slot = locate(db, home, key);
  Record* record = slot ? slot.entry() : nullptr;
  if (record && is_expired(record, now_ms_) && expires()) [[unlikely]] {
    if (!keeps_expired()) expire_now(db, home, slot);
    record = nullptr;
  }
  if (lookup == Lookup::kPeek) return record;
  if (lookup != Lookup::kWrite) {
    (record ? home.partition->hits : home.partition->misses).add(1);
    if (!record && lookup != Lookup::kSilent) notify_in(db, config::kEventKeyMiss, "keymiss", key);
  }
  if (record && touch_ && lookup != Lookup::kQuiet && lookup != Lookup::kSilent) {
    uint32_t before = record->access();
    uint32_t after = keyspace_.touched_access(before);
    if (after != before) record->set_access(after);
  }
  return record;
}

void Txn::changed(int db, std::string_view key, Partition& partition, uint64_t changes, bool unseen) {
  changed_ = true;
  dirty_ += changes;
  partition.dirty.add(changes);
  keyspace_.publish_counters(partition, db);
  if (undo_) [[unlikely]] undo_->find(db, key)->changes += changes;
  if (!partition.waiters.empty()) [[unlikely]] note_waited_for(db, key, partition);
  if (!unseen) show_change(db, key, partition);
}

void Txn::show_change(int db, std::string_view key, Partition& partition) {
  if (!partition.watchers.empty()) [[unlikely]] touch_watchers(db, key, partition);
  if (keyspace_.tracked.load(std::memory_order_relaxed)) [[unlikely]] note_invalidation(key, partition, false);
}

void Txn::touch_watchers(int db, std::string_view key, Partition& partition) {
  if (undo_) {
    undo_->find(db, key)->watchers_due = true;
  } else {
    partition.watchers.touch(db, key);
  }
}

void Txn::note_expired(int db, Partition& partition, std::string_view key) {
  partition.expired.add(1);
  notify_in(db, config::kEventExpired, "expired", key);
  note_gone(db, partition, key, expiry_deletion());
}

void Txn::note_gone(int db, Partition& partition, std::string_view key, std::string_view deletion) {
  changed_ = true;
  if (!partition.watchers.empty()) touch_watchers(db, key, partition);
  if (!partition.waiters.empty()) note_waited_for(db, key, partition);
  if (keyspace_.tracked.load(std::memory_order_relaxed)) note_invalidation(key, partition, true);
  std::string_view const command[] = {deletion, key};
  add_effect(db, command);
}

void Txn::evict(int db, Partition& partition, KeyTable::Slot slot) {
  DCHECK(!undo_);
  std::string_view const key = slot.entry()->key();
  partition.evicted.add(1);
  notify_in(db, config::kEventEvicted, "evicted", key);
  note_gone(db, partition, key, keyspace_.logs_eviction_as_unlink.load(std::memory_order_relaxed) ? "UNLINK" : "DEL");
  partition.tables[static_cast<size_t>(db)]->erase(slot);
  keyspace_.publish_counters(partition, db, true);
}

void Txn::expire_now(int db, KeyHome const& home, KeyTable::Slot slot) {
  if (undo_) [[unlikely]] keep_old_of(db, slot, slot.entry()->key());
  note_expired(db, *home.partition, slot.entry()->key());
  table(db, home)->erase(slot);
  keyspace_.publish_counters(*home.partition, db);
}

void Txn::note_local_expiry(int db, Partition& partition, std::string_view key, std::optional<int64_t> expire_ms) {
  // What a file has (`serves_`) was written under the eyes of the primary, mostly.
  if (piece_ || !expire_ms || !serves_) {
    if (partition.local_expiry) partition.local_expiry->forget(db, key);
    return;
  }
  if (!partition.local_expiry) partition.local_expiry = std::make_unique<LocalExpiry>();
  partition.local_expiry->note(db, key, *expire_ms);
  keyspace_.expires_locally.store(true, std::memory_order_relaxed);
}

bool Txn::expire_locally(uint32_t partition) {
  constexpr int kKeysMax = 64;
  LocalExpiry* const local = keyspace_.partition(partition).local_expiry.get();
  if (!local) return true;
  for (int keys = 0; keys < kKeysMax; keys++) {
    auto const due = local->take_due(now_ms_);
    if (!due) return true;
    auto const& [db, key] = *due;
    KeyHome const home = this->home(key);
    KeyTable::Slot const slot = locate(db, home, key);
    if (!slot || !slot.entry()->has_expiry()) continue;
    if (is_expired(slot.entry(), now_ms_)) {
      expire_now(db, home, slot);
    } else {
      local->note(db, key, slot.entry()->expire_ms());
    }
  }
  return false;
}

std::string_view Txn::expiry_deletion() const {
  return keyspace_.logs_expiry_as_unlink.load(std::memory_order_relaxed) ? "UNLINK" : "DEL";
}

std::string_view Txn::user_deletion() const {
  return keyspace_.logs_user_del_as_unlink.load(std::memory_order_relaxed) ? "UNLINK" : "DEL";
}

Record* Txn::put_content(int db, KeyHome const& home, RecordContent& content, Access access) {
  KeyTable& table = keyspace_.table(*home.partition, db);
  keep_old(db, home, content.key);
  KeyTable::Slot slot = table.find(home.hash, content.key);
  if (slot && is_expired(slot.entry(), now_ms_) && expires()) [[unlikely]] {
    expire_now(db, home, slot);
    slot = {};
  }
  if (slot && access == Access::kKeepFrequency && keyspace_.access().lfu.load(std::memory_order_relaxed)) [[unlikely]] {
    content.access = slot.entry()->access();
  }
  if (!slot) notify_in(db, config::kEventNew, "new", content.key);
  Record* record = slot ? table.replace(slot, content) : table.insert(home.hash, content);
  if ((content.expire_ms || piece_) && keyspace_.expiry_hidden()) [[unlikely]] {
    note_local_expiry(db, *home.partition, content.key, content.expire_ms);
  }
  changed(db, content.key, *home.partition);
  return record;
}

void Txn::put_string(std::string_view key, std::string_view value, StringForm form, std::optional<int64_t> expire_ms) {
  RecordContent content{.key = key, .encoding = Encoding::kRaw, .bytes = value, .expire_ms = expire_ms,
                        .access = keyspace_.initial_access()};
  if (form == StringForm::kAuto && value.size() <= kInt64TextBytesMax) {
    if (auto integer = parse_int64(value)) {
      content.encoding = Encoding::kInt;
      content.integer = *integer;
    }
  }
  if (content.encoding != Encoding::kInt) {
    if (form != StringForm::kRaw && value.size() <= kEmbstrBytesMax) {
      content.encoding = Encoding::kEmbstr;
    } else if (value.size() >= kSharedBytesMin) {
      content.encoding = Encoding::kShared;
      content.shared = SharedBuffer::copy_of(value).detach();
    }
  }
  put_content(db_, home(key), content, Access::kKeepFrequency);
}

void Txn::put_integer(std::string_view key, int64_t value, bool keep_ttl) {
  KeyHome home = this->home(key);
  RecordContent content{.key = key, .encoding = Encoding::kInt, .integer = value, .access = keyspace_.initial_access()};
  if (KeyTable::Slot slot = locate(db_, home, key)) {
    Record* record = slot.entry();
    if (record->encoding() == Encoding::kInt && (keep_ttl || !record->has_expiry())) {
      keep_old(db_, home, key);
      table(db_, home)->before_change(slot);
      record->set_integer(value);
      changed(db_, key, *home.partition);
      return;
    }
    if (keep_ttl) content.expire_ms = record->expiry();
  }
  put_content(db_, home, content, Access::kKeepFrequency);
}

size_t Txn::write_range(std::string_view key, size_t offset, std::string_view bytes) {
  KeyHome home = this->home(key);
  keep_old(db_, home, key);
  size_t end = offset + bytes.size();
  KeyTable::Slot slot = locate(db_, home, key);
  if (!slot) {
    RecordContent content{.key = key, .encoding = Encoding::kRaw, .access = keyspace_.initial_access()};
    notify(config::kEventNew, "new", key);
    keyspace_.table(*home.partition, db_).put(home.hash, content);
    slot = locate(db_, home, key);
  }
  size_t length = std::max(end, slot.entry()->text_length());
  char* data = table(db_, home)->resize_raw(slot, length);
  std::memcpy(data + offset, bytes.data(), bytes.size());
  changed(db_, key, *home.partition);
  return length;
}

std::span<char> Txn::open_string(std::string_view key) {
  KeyHome home = this->home(key);
  keep_old(db_, home, key);
  KeyTable::Slot slot = locate(db_, home, key);
  CHECK(slot);
  size_t const length = slot.entry()->text_length();
  return {table(db_, home)->resize_raw(slot, length), length};
}

void Txn::note_change(std::string_view key, uint64_t changes) { changed(db_, key, *home(key).partition, changes); }

KeyTable* Txn::table_of(uint32_t partition) {
  DCHECK(locks_.holds_now(partition));
  return keyspace_.partition(partition).tables[static_cast<size_t>(db_)].get();
}

size_t Txn::memory_usage(std::string_view key) {
  Record* record = find(key, Lookup::kQuiet);
  if (!record) return 0;
  KeyTable& table = *this->table(db_, home(key));
  size_t block = record->block_bytes();
  if (block <= kSlabBytesMax) block = Slab::class_bytes(block);
  size_t outside = 0;
  if (record->encoding() == Encoding::kShared) outside = record->shared()->footprint();
  if (record->encoding() == Encoding::kBody) outside = record->body()->memory_bytes();
  return block + table.table().memory_bytes() / table.size() + outside;
}

bool Txn::remove_in(int db, std::string_view key, uint64_t changes) {
  KeyHome home = this->home(key);
  KeyTable::Slot slot = locate(db, home, key);
  if (!slot) return false;
  if (is_expired(slot.entry(), now_ms_) && expires()) {
    expire_now(db, home, slot);
    return false;
  }
  keep_old(db, home, key);
  table(db, home)->erase(slot);
  changed(db, key, *home.partition, changes);
  return true;
}

bool Txn::drop(std::string_view key) {
  if (!remove(key)) return false;
  notify(config::kEventGeneric, "del", key);
  return true;
}

void Txn::set_expiry(std::string_view key, std::optional<int64_t> expire_ms) {
  KeyHome home = this->home(key);
  KeyTable::Slot slot = locate(db_, home, key);
  CHECK(slot);
  keep_old(db_, home, key);
  table(db_, home)->set_expiry(slot, expire_ms);
  if (keyspace_.expiry_hidden()) [[unlikely]] note_local_expiry(db_, *home.partition, key, expire_ms);
  changed(db_, key, *home.partition);
}

DetachedValue Txn::copy_value(Record const* record) const {
  DetachedValue value;
  value.type = record->type();
  value.encoding = record->encoding();
  value.expire_ms = record->expiry();
  value.access = record->access();
  switch (record->encoding()) {
    case Encoding::kInt: value.integer = record->integer(); break;
    case Encoding::kShared:
      record->shared()->add_ref();
      value.shared = SharedBufferRef::adopt(record->shared());
      break;
    case Encoding::kBody: value.body = record->body()->freeze(); break;
    default: value.bytes = record->inline_bytes();
  }
  return value;
}

void Txn::put_value(int db, std::string_view key, DetachedValue value) {
  RecordContent content{.key = key, .type = value.type, .encoding = value.encoding, .bytes = value.bytes,
                        .integer = value.integer, .shared = value.shared.detach(), .body = value.body.release(),
                        .expire_ms = value.expire_ms, .access = value.access};
  put_content(db, home(key), content, Access::kOfContent);
}

ValueEdit Txn::edit(std::string_view key, Record* record, ValueType type) {
  ValueEdit edit;
  edit.type = type;
  if (!scratch_.edits.empty()) {
    edit.bytes = std::move(scratch_.edits.back());
    scratch_.edits.pop_back();
    edit.bytes.clear();
  }
  if (undo_) [[unlikely]] keep_old(db_, home(key), key);
  if (!record) return edit;
  DCHECK(record->type() == type);
  edit.encoding = record->encoding();
  if (edit.encoding != Encoding::kBody) {
    edit.bytes.assign(record->inline_bytes());
    return edit;
  }
  // From here on the body may change at any moment: who wants the old state takes it now.
  if (keyspace_.cut().sink) [[unlikely]] {
    KeyHome home = this->home(key);
    table(db_, home)->before_change(locate(db_, home, key));
  }
  edit.body = record->body();
  edit.body_bytes = edit.body->memory_bytes();
  edit.body_expires = edit.body->expiring_elements() > 0;
  return edit;
}

void Txn::finish_edit(std::string_view key, ValueEdit& edit, bool empty, uint64_t changes, std::string_view event) {
  if (changes > 0) {
    write_back(key, edit, empty);
    changed(db_, key, *home(key).partition, changes, edit.unseen);
    if (!event.empty()) notify(class_of(edit.type), event, key);
    if (empty) notify(config::kEventGeneric, "del", key);
  }
  release_edit(edit);
}

void Txn::finish_unchanged(std::string_view key, ValueEdit& edit) {
  show_change(db_, key, *home(key).partition);
  release_edit(edit);
}

void Txn::finish_field_expiry(std::string_view key, ValueEdit& edit, bool empty,
                              std::span<std::string_view const> fields) {
  Partition& partition = *home(key).partition;
  write_back(key, edit, empty);
  note_expired_fields(db_, partition, key, fields);
  if (empty) notify(config::kEventGeneric, "del", key);
  keyspace_.publish_counters(partition, db_);
  release_edit(edit);
}

void Txn::note_expired_fields(int db, Partition& partition, std::string_view key,
                              std::span<std::string_view const> fields) {
  if (fields.empty()) return;
  partition.expired_fields.add(fields.size());
  partition.dirty.add(fields.size());
  changed_ = true;
  if (!partition.watchers.empty()) touch_watchers(db, key, partition);
  notify_in(db, config::kEventHash, "hexpired", key);
  if (keyspace_.tracked.load(std::memory_order_relaxed)) note_invalidation(key, partition, true);
  for (std::string_view field : fields) {
    std::string_view const command[] = {"HDEL", key, field};
    add_effect(db, command);
  }
}

bool Txn::keeps_expired() const { return keyspace_.keeps_expired(now_ms_); }

bool Txn::expired(int64_t expire_ms) const { return expire_ms < now_ms_ && expires(); }

void Txn::write_back(std::string_view key, ValueEdit& edit, bool empty) {
  KeyHome home = this->home(key);
  bool const in_place = edit.body && !edit.made;
  if (in_place) table(db_, home)->note_body_change(home.hash, edit.body_bytes, edit.body_expires, *edit.body);
  if (in_place && !empty) return;
  KeyTable::Slot slot = locate(db_, home, key);
  if (empty) {
    if (slot) table(db_, home)->erase(slot);
  } else {
    if (edit.names_changed && !edit.in_body()) ops_of(edit.type).compact(edit.bytes, edit.encoding);
    RecordContent content{.key = key, .type = edit.type, .encoding = edit.encoding, .bytes = edit.bytes,
                          .body = edit.made.release(), .access = keyspace_.initial_access()};
    KeyTable& table = keyspace_.table(*home.partition, db_);
    if (slot) {
      content.expire_ms = slot.entry()->expiry();
      content.access = slot.entry()->access();
      table.replace(slot, content);
    } else {
      notify(config::kEventNew, "new", key);
      table.insert(home.hash, content);
    }
  }
}

void Txn::release_edit(ValueEdit& edit) {
  constexpr size_t kBufferBytesKept = 64 * 1024;
  constexpr size_t kBuffersKept = 4;
  if (edit.bytes.capacity() <= kBufferBytesKept && scratch_.edits.size() < kBuffersKept) {
    scratch_.edits.push_back(std::move(edit.bytes));
  }
  edit = {};
}

void Txn::watch(std::string_view key, WatchFlag const& flag) {
  find(key, Lookup::kPeek);  // a key that is expired by now counts as absent, not as changed later
  home(key).partition->watchers.watch(db_, key, flag);
}

void Txn::swap_databases(int a, int b) {
  DCHECK(locks_.global());
  for (uint32_t i = 0; i < keyspace_.partition_count(); i++) {
    Partition& partition = keyspace_.partition(i);
    auto& table_a = partition.tables[static_cast<size_t>(a)];
    auto& table_b = partition.tables[static_cast<size_t>(b)];
    if (!partition.watchers.empty()) {
      // A watched key counts as changed when it exists in either of the databases under that name.
      auto exists = [this](KeyTable* table, std::string_view key) { return table && table->find(keyspace_.hash(key), key); };
      auto in_either = [&](std::string_view key) { return exists(table_a.get(), key) || exists(table_b.get(), key); };
      partition.watchers.touch_database(a, in_either);
      partition.watchers.touch_database(b, in_either);
    }
    note_waited_for_in(a, partition);
    note_waited_for_in(b, partition);
    std::swap(table_a, table_b);
    keyspace_.publish_counters(partition, a);
    keyspace_.publish_counters(partition, b);
  }
  changed_ = true;
  mark_dirty();
}

void Txn::mark_dirty(uint64_t changes) {
  dirty_ += changes;
  keyspace_.partition(locks_.any_held()).dirty.add(changes);
}

void Txn::flush(int db) {
  DCHECK(locks_.global());
  uint64_t removed = 0;
  for (uint32_t i = 0; i < keyspace_.partition_count(); i++) {
    Partition& partition = keyspace_.partition(i);
    for (int each = 0; each < keyspace_.databases(); each++) {
      auto& table = partition.tables[static_cast<size_t>(each)];
      if ((db >= 0 && each != db) || !table) continue;
      if (!partition.watchers.empty()) {
        partition.watchers.touch_database(
            each, [&](std::string_view key) { return bool(table->find(keyspace_.hash(key), key)); });
      }
      note_waited_for_in(each, partition);
      removed += table->size();
      if (keyspace_.cut().sink) {
        keyspace_.cut().sink->adopt(std::move(table));
      } else {
        keyspace_.lazy_free().push(std::move(table));
      }
      keyspace_.publish_counters(partition, each);
    }
  }
  if (keyspace_.tracked.load(std::memory_order_relaxed)) {
    for (uint32_t i = 0; i < keyspace_.partition_count(); i++) keyspace_.partition(i).tracked.clear();
    keyspace_.tracked_keys.store(0, std::memory_order_relaxed);
    keyspace_.tracked_items.store(0, std::memory_order_relaxed);
    scratch_.all_invalidated = true;
  }
  changed_ = true;
  dirty_ += removed;
  keyspace_.partition(0).dirty.add(removed);
  log_anyway();
}

void Txn::begin_command(std::span<std::string_view const> command) {
  DCHECK(!in_command_);
  in_command_ = true;
  command_ = command;
  command_db_ = db_;
  dirty_at_command_ = dirty_;
  replaced_ = false;
  log_anyway_ = false;
}

void Txn::end_command() {
  DCHECK(in_command_);
  if ((command_changed() || log_anyway_) && !replaced_) add_effect(command_db_, command_);
  in_command_ = false;
}

void Txn::effect(std::span<std::string_view const> command) {
  add_effect(db_, command);
  replaced_ = true;
}

void Txn::add_effect(int db, std::span<std::string_view const> command) {
  log::Log* log = keyspace_.log();
  if (!log || !log->active()) return;
  size_t begin = scratch_.effects.size();
  log::append_command(scratch_.effects, command);
  scratch_.commands.push_back({db, unit_, begin, scratch_.effects.size()});
}

uint64_t Txn::append_to(log::Log& log, bool atomic) {
  std::string_view const bytes = scratch_.effects;
  scratch_.unit.clear();
  for (TxnScratch::LoggedCommand const& command : scratch_.commands) {
    scratch_.unit.push_back({command.db, bytes.substr(command.begin, command.end - command.begin)});
  }
  uint64_t offset = 0;
  for (size_t begin = 0; begin < scratch_.commands.size();) {
    int const unit = scratch_.commands[begin].unit;
    size_t end = begin + 1;
    if (atomic || unit > 0) {
      while (end < scratch_.commands.size() && scratch_.commands[end].unit == unit) end++;
    }
    offset = log.append_unit(std::span(scratch_.unit).subspan(begin, end - begin));
    begin = end;
  }
  return offset;
}

void Txn::note_event(int db, uint32_t event_class, std::string_view event, std::string_view key) {
  size_t const begin = scratch_.event_keys.size();
  scratch_.event_keys.append(key);
  scratch_.events.push_back({event_class, db, event, begin, scratch_.event_keys.size()});
}

void Txn::publish_events() {
  std::vector<KeyEvent> events;
  events.reserve(scratch_.events.size());
  std::string_view const keys = scratch_.event_keys;
  for (TxnScratch::NotedEvent const& noted : scratch_.events) {
    events.push_back({noted.event_class, noted.db, noted.name, keys.substr(noted.begin, noted.end - noted.begin)});
  }
  if (ChangeListener* listener = keyspace_.listener()) listener->happened(events);
  scratch_.events.clear();
  scratch_.event_keys.clear();
}

void Txn::track(std::string_view key, uint64_t client) {
  TrackedKeys::Added const added = home(key).partition->tracked.remember(key, client);
  keyspace_.tracked_keys.fetch_add(added.keys, std::memory_order_relaxed);
  keyspace_.tracked_items.fetch_add(added.items, std::memory_order_relaxed);
}

void Txn::note_invalidation(std::string_view key, Partition& partition, bool by_server) {
  Invalidation invalidation{std::string(key), partition.tracked.take(key), by_server};
  if (!invalidation.clients.empty()) {
    keyspace_.tracked_keys.fetch_sub(1, std::memory_order_relaxed);
    keyspace_.tracked_items.fetch_sub(static_cast<int64_t>(invalidation.clients.size()), std::memory_order_relaxed);
  }
  scratch_.invalidations.push_back(std::move(invalidation));
}

bool Txn::forget_tracked(uint32_t partition) {
  DCHECK(locks_.holds_now(partition));
  auto forgotten = keyspace_.partition(partition).tracked.take_any();
  if (!forgotten) return false;
  keyspace_.tracked_keys.fetch_sub(1, std::memory_order_relaxed);
  keyspace_.tracked_items.fetch_sub(static_cast<int64_t>(forgotten->second.size()), std::memory_order_relaxed);
  scratch_.invalidations.push_back({std::move(forgotten->first), std::move(forgotten->second), true});
  return true;
}

void Txn::publish_invalidations() {
  ChangeListener* listener = keyspace_.listener();
  if (listener && scratch_.all_invalidated) listener->invalidated_all(client_);
  if (listener && !scratch_.invalidations.empty()) listener->invalidated(scratch_.invalidations, client_, scratch_.worker);
  scratch_.invalidations.clear();
  scratch_.all_invalidated = false;
}

uint64_t Txn::commit(bool atomic) {
  DCHECK(!committed_ && !in_command_);
  if (undo_) [[unlikely]] drop_undo();
  if (!scratch_.touched.empty()) [[unlikely]] serve_waiters();
  committed_ = true;
  log::Log* log = keyspace_.log();
  uint64_t offset = 0;
  if (piece_) [[unlikely]] {
    offset = log->append_verbatim(piece_->bytes, piece_->db);
    piece_->logged = true;
    for (uint32_t index : locks_.partitions()) keyspace_.partition(index).last_offset = offset;
  } else if (log && log->active() && !log_nothing_) {
    if (!scratch_.commands.empty()) {
      offset = append_to(*log, atomic);
      for (uint32_t index : locks_.partitions()) keyspace_.partition(index).last_offset = offset;
    } else if (!changed_) {
      for (uint32_t index : locks_.partitions()) offset = std::max(offset, keyspace_.partition(index).last_offset);
    }
  }
  scratch_.effects.clear();
  scratch_.commands.clear();
  if (!scratch_.events.empty()) [[unlikely]] publish_events();
  if (!scratch_.invalidations.empty() || scratch_.all_invalidated) [[unlikely]] publish_invalidations();
  locks_.unlock(keyspace_);
  if (!scratch_.served.empty()) [[unlikely]] {
    for (auto const& waiter : scratch_.served) waiter->deliver(offset);
    scratch_.served.clear();
  }
  return offset;
}

void Txn::compute(std::function<void()> const& work) {
  bool const opened = !locks_.is_open() && locks_.open(keyspace_);
  work();
  if (opened) locks_.close(keyspace_, [] { return true; });
}

void Txn::keep_undo() {
  DCHECK(!changed_ && !locks_.global() && scratch_.undo.entries().empty());
  undo_ = &scratch_.undo;
}

void Txn::keep_old_of(int db, KeyTable::Slot slot, std::string_view key) {
  if (undo_->find(db, key)) return;
  undo_->add(db, key, slot ? std::optional(copy_value(slot.entry())) : std::nullopt);
}

void Txn::drop_undo() {
  UndoJournal& journal = *std::exchange(undo_, nullptr);
  for (UndoJournal::Entry const& entry : journal.entries()) {
    if (entry.watchers_due) home(entry.key).partition->watchers.touch(entry.db, entry.key);
  }
  journal.clear();
}

void Txn::abort() {
  DCHECK(undo_ && !committed_ && !in_command_);
  UndoJournal& journal = *std::exchange(undo_, nullptr);
  for (UndoJournal::Entry& entry : journal.entries()) restore(entry);
  journal.clear();
  scratch_.effects.clear();
  scratch_.commands.clear();
  scratch_.touched.clear();
  scratch_.events.clear();
  scratch_.event_keys.clear();
  // Who has been taken off the lists of readers must be told all the same.
  if (!scratch_.invalidations.empty()) publish_invalidations();
  committed_ = true;
  locks_.unlock(keyspace_);
}

void Txn::restore(UndoJournal::Entry& entry) {
  KeyHome home = this->home(entry.key);
  KeyTable& table = keyspace_.table(*home.partition, entry.db);
  KeyTable::Slot slot = table.find(home.hash, entry.key);
  if (entry.old) {
    DetachedValue& value = *entry.old;
    RecordContent content{.key = entry.key, .type = value.type, .encoding = value.encoding, .bytes = value.bytes,
                          .integer = value.integer, .shared = value.shared.detach(), .body = value.body.release(),
                          .expire_ms = value.expire_ms, .access = value.access};
    slot ? table.replace(slot, content) : table.insert(home.hash, content);
  } else if (slot) {
    table.erase(slot);
  }
  home.partition->dirty.subtract(entry.changes);
  keyspace_.publish_counters(*home.partition, entry.db);
}

void Txn::forget_logged_after(size_t commands) {
  if (commands >= scratch_.commands.size()) return;
  scratch_.effects.resize(scratch_.commands[commands].begin);
  scratch_.commands.resize(commands);
}

}  // namespace holdfast
