#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "structures/field_map.h"
#include "structures/packed_list.h"
#include "values/body.h"
#include "values/hash_schema.h"
#include "values/value_edit.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

// A hash is a packed list (field, value, field, value, ...) in its record up to the limits of `hash-max-listpack-*`,
// and a FieldMap beyond. Of a packed hash whose fields many others have as well only the values are stored
// (hash_schema.h). Fields can expire only in a FieldMap, so a hash in which a field was given an expiry is one,
// however small it is; it is called "listpackex" for as long as it keeps to the limits.

/// A hash that is not packed.
class HashBody final : public Body {
 public:
  explicit HashBody(KeyHasher const& hasher) : fields(hasher) {}
  HashBody(FieldMap map, bool is_small) : fields(std::move(map)), small(is_small) {}

  size_t memory_bytes() const override { return sizeof(HashBody) + fields.memory_bytes(); }
  std::unique_ptr<Body> freeze() override { return std::make_unique<HashBody>(fields.freeze(), small); }
  std::unique_ptr<Body> freeze_for_save(CopyBudget* budget) override {
    return budget ? std::make_unique<HashBody>(fields.freeze_for_drain(*budget), small) : freeze();
  }
  size_t expiring_elements() const override { return fields.expiring_count(); }
  int64_t next_expiry_ms() const override { return fields.next_expiry_ms(); }
  void prefetch(std::span<std::string_view const> elements) const override { fields.prefetch(elements); }
  void relocate(BlockMover& mover) override {
    mover.position = fields.relocate(mover, mover.position);
    mover.complete = mover.position == 0;
  }

  FieldMap fields;
  bool small = false;  ///< it never left the limits of packed hashes: what OBJECT ENCODING says
};

/// What a field holds. Valid until the hash changes.
struct HashValue {
  packed::Element element;           ///< the value
  SharedBuffer* buffer = nullptr;    ///< of a long value; the hash keeps its reference
  std::optional<int64_t> expire_ms;  ///< Unix ms

  static HashValue of(FieldEntry const& entry) {
    return {.element = {false, 0, entry.value},
            .buffer = const_cast<SharedBuffer*>(entry.value_buffer),
            .expire_ms = entry.expire_ms};
  }
};

struct HashEntry {
  packed::Element field;
  HashValue value;
};

/// Reads a hash in any form. Valid while the view is; expired fields are there like any other.
class HashReader {
 public:
  explicit HashReader(ValueView const& value)
      : fields_(value.body ? &static_cast<HashBody const*>(value.body)->fields : nullptr),
        schema_(value.encoding == Encoding::kSchema ? &HashSchema::of(value.bytes) : nullptr),
        packed_(value.bytes) {}

  uint64_t size() const {
    if (schema_) return schema_->size();
    return fields_ ? fields_->size() : packed_.count() / 2;
  }
  std::optional<HashValue> find(std::string_view field) const {
    if (schema_) return find_in_schema(field);
    if (!fields_) return find_packed(field);
    std::optional<FieldEntry> entry = fields_->find(field);
    return entry ? std::optional(HashValue::of(*entry)) : std::nullopt;
  }
  bool contains(std::string_view field) const {
    if (schema_) return schema_->index_of(packed::Needle(field)).has_value();
    return fields_ ? fields_->contains(field) : packed_.find(field, 1) != nullptr;
  }
  /// Null when the hash is in its record.
  FieldMap const* fields() const { return fields_; }
  /// Precondition: the hash is in its record, and index < size().
  HashEntry entry(uint64_t index) const;

 private:
  friend class HashCursor;
  friend class HashEditor;

  std::optional<HashValue> find_packed(std::string_view field) const;
  std::optional<HashValue> find_in_schema(std::string_view field) const;
  char const* value_in_schema(size_t index) const;

  FieldMap const* fields_;
  HashSchema const* schema_;
  PackedListView packed_;  // when there is neither map nor schema; else its bytes
};

/// A walk over all entries of a hash that does not change meanwhile; it may pause for as long as the view is valid.
class HashCursor {
 public:
  explicit HashCursor(ValueView const& value) : HashCursor(HashReader(value)) {}
  explicit HashCursor(HashReader const& hash) {
    if (hash.fields()) {
      map_ = FieldMap::Iterator(*hash.fields());
    } else if (hash.schema_) {
      field_ = hash.schema_->names().data();
      end_ = field_ + hash.schema_->names().size();
      value_ = hash.value_in_schema(0);
    } else {
      field_ = hash.packed_.first();
      end_ = hash.packed_.terminator();
    }
  }
  /// Nothing after the last.
  std::optional<HashEntry> next() {
    if (!end_) {
      std::optional<FieldEntry> entry = map_.next();
      if (!entry) return std::nullopt;
      return HashEntry{.field = {false, 0, entry->field}, .value = HashValue::of(*entry)};
    }
    if (field_ == end_) return std::nullopt;
    char const* behind = packed::next(field_);
    char const* value = value_ ? value_ : behind;
    HashEntry entry{.field = packed::read_entry(field_), .value = {.element = packed::read_entry(value)}};
    if (value_) value_ = packed::next(value_);
    field_ = value_ ? behind : packed::next(value);
    return entry;
  }

 private:
  FieldMap::Iterator map_;
  char const* field_ = nullptr;
  char const* end_ = nullptr;    // of the fields of a hash in its record
  char const* value_ = nullptr;  // of field_, when they lie elsewhere
};

/// Changes a hash that Txn::edit opened. Texts that are put in must not lie in the hash.
class HashEditor {
 public:
  HashEditor(ValueEdit& edit, ValueContext const& context);

  uint64_t size() const { return HashReader(edit_.view()).size(); }
  bool empty() const { return size() == 0; }

  /// Takes the form that Redis gives a hash before it puts in these fields and values.
  void prepare(std::span<std::string_view const> pairs);
  /// Sets a field, whose expiry becomes `expire_ms`. True when it is new.
  bool set(std::string_view field, std::string_view value, std::optional<int64_t> expire_ms = std::nullopt);
  /// True when the field was there.
  bool erase(std::string_view field);
  /// Sets or removes the expiry of a field that is there, 0 <= expire_ms <= FieldEntryCodec::kExpireMsMax.
  void set_expiry(std::string_view field, std::optional<int64_t> expire_ms);
  /// Removes up to `limit` fields that expire before `now_ms`; `visit(FieldEntry const&)` sees each. Returns how many.
  template <class Visit>
  size_t remove_expired(int64_t now_ms, size_t limit, Visit&& visit) {
    return edit_.in_body() ? body().fields.remove_expired(now_ms - 1, limit, visit) : 0;
  }

 private:
  HashBody& body() { return *static_cast<HashBody*>(edit_.body); }
  PackedListView packed() const { return PackedListView(edit_.bytes); }
  bool is_long(std::string_view text) const;
  bool set_packed(std::string_view field, std::string_view value);
  /// False: there is no schema, or no such field in it.
  bool replace_in_schema(std::string_view field, std::string_view value);
  /// Takes the packed form, if it has another one in the record, for a change of the fields.
  void change_names();
  void apply(PackedEdit const& change);
  /// Becomes a body; `small`: only because a field expires.
  void leave_record(bool small);

  ValueEdit& edit_;
  ValueContext context_;
};

}  // namespace holdfast
