#include "commands/hash_access.h"

#include <string>
#include <vector>

#include "commands/value_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {

std::optional<Hash> Hash::find(Txn& txn, std::string_view key, Lookup lookup, Reply& reply) {
  Record* record = txn.find(key, lookup);
  if (!is_type_or_missing(record, ValueType::kHash, reply)) return std::nullopt;
  return Hash(txn, key, record, lookup);
}

DetachedValue Hash::copy_live() const {
  DetachedValue value = txn_->copy_value(record_);
  if (has_due_fields()) [[unlikely]] {
    static_cast<HashBody&>(*value.body).fields.remove_expired(txn_->now_ms() - 1, SIZE_MAX, [](FieldEntry const&) {});
  }
  return value;
}

void Hash::settle_named(Args words, size_t first, size_t step) {
  if (!may_settle()) return;
  std::vector<std::string_view> gone;
  HashReader const hash = reader();
  for (size_t i = first; i < words.size(); i += step) {
    std::optional<HashValue> const value = hash.find(words[i]);
    if (value && value->expire_ms && txn_->expired(*value->expire_ms)) gone.push_back(words[i]);
  }
  if (gone.empty()) return;
  ValueEdit edit = this->edit();
  HashEditor editor(edit, txn_->keyspace().value_context());
  // A field may be named more than once.
  std::erase_if(gone, [&](std::string_view field) { return !editor.erase(field); });
  txn_->finish_field_expiry(key_, edit, editor.empty(), gone);
  find_again();
}

void Hash::settle_due() {
  if (!may_settle()) return;
  ValueEdit edit = this->edit();
  HashEditor editor(edit, txn_->keyspace().value_context());
  std::vector<std::string> names;
  editor.remove_expired(txn_->now_ms(), SIZE_MAX, [&](FieldEntry const& entry) { names.emplace_back(entry.field); });
  std::vector<std::string_view> const gone(names.begin(), names.end());
  txn_->finish_field_expiry(key_, edit, editor.empty(), gone);
  find_again();
}

}  // namespace holdfast
