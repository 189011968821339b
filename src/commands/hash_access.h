#pragma once

#include <optional>
#include <string_view>

#include "command/args.h"
#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/hash_value.h"

namespace holdfast {

// What the commands of hashes share. Fields that have expired are absent for every command: those that a command names
// are removed before it looks (`settle`), the others are passed over by a walk. HLEN alone counts them until they are
// removed. Where who reads leaves them (Txn::keeps_expired: on a replica, during a pause) they are passed over as well.

/// The hash of a key while a command works on it.
class Hash {
 public:
  /// Finds it. On a value of another type replies so, and is false.
  static std::optional<Hash> find(Txn& txn, std::string_view key, Lookup lookup, Reply& reply);

  bool exists() const { return record_ != nullptr; }
  Record* record() const { return record_; }
  /// Precondition: exists.
  ValueView view() const { return record_->view(); }
  HashReader reader() const { return HashReader(record_->view()); }
  /// Nothing when there is no hash, or no such field that has not expired.
  std::optional<HashValue> field(std::string_view name) const {
    std::optional<HashValue> const value = record_ ? reader().find(name) : std::nullopt;
    return value && value->expire_ms && txn_->expired(*value->expire_ms) ? std::nullopt : value;
  }
  /// A copy, frozen, of the fields that have not expired. Precondition: exists.
  DetachedValue copy_live() const;

  /// Removes those of the fields words[first], words[first + step] ... that have expired.
  void settle(Args words, size_t first, size_t step = 1) {
    if (has_due_fields()) [[unlikely]] settle_named(words, first, step);
  }
  /// Removes all fields that have expired.
  void settle_all() {
    if (has_due_fields()) [[unlikely]] settle_due();
  }
  /// Some field may have expired.
  bool has_due_fields() const {
    return record_ && record_->encoding() == Encoding::kBody && txn_->expired(record_->body()->next_expiry_ms());
  }

  /// Opens it for change; see Txn::edit.
  ValueEdit edit() { return txn_->edit(key_, record_, ValueType::kHash); }
  /// Writes the edit back; the hash may have gone. See Txn::finish_edit.
  void finish(ValueEdit& edit, uint64_t changes) {
    txn_->finish_edit(key_, edit, HashReader(edit.view()).size() == 0, changes);
  }

 private:
  Hash(Txn& txn, std::string_view key, Record* record, Lookup lookup) : txn_(&txn), key_(key), record_(record), lookup_(lookup) {}
  bool may_settle() const { return lookup_ == Lookup::kWrite || !txn_->keeps_expired(); }
  void settle_named(Args words, size_t first, size_t step);
  void settle_due();
  void find_again() { record_ = txn_->find(key_, Lookup::kPeek); }

  Txn* txn_;
  std::string_view key_;
  Record* record_;
  Lookup lookup_;
};

/// A field or a value as a bulk; long values are referenced, not copied.
inline void reply_element(Reply& reply, packed::Element const& element, SharedBuffer* buffer = nullptr) {
  if (element.is_integer) return reply.bulk_integer(element.integer);
  if (!buffer || buffer->size() < kSharedBytesMin) return reply.bulk(element.text);
  buffer->add_ref();
  reply.bulk(SharedBufferRef::adopt(buffer));
}
inline void reply_value(Reply& reply, std::optional<HashValue> const& value) {
  if (!value) return reply.null();
  reply_element(reply, value->element, value->buffer);
}

}  // namespace holdfast
