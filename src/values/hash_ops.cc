#include "values/hash_ops.h"

#include <algorithm>

#include "structures/ziplist.h"
#include "structures/zipmap.h"
#include "values/hash_value.h"
#include "values/rebuild_commands.h"

namespace holdfast {
namespace {

constexpr int64_t kExpireMsMax = FieldEntryCodec::kExpireMsMax;

DetachedValue small_hash(std::string packed) {
  Encoding const encoding = take_schema_form(packed) ? Encoding::kSchema : Encoding::kPacked;
  return DetachedValue::of_packed(ValueType::kHash, std::move(packed), encoding);
}

/// A hash as it comes out of a file, in the form that it has to take.
class HashBuilder {
 public:
  /// `count` pairs are announced.
  HashBuilder(ValueContext const& context, uint64_t count)
      : context_(context),
        count_max_(context.limits.hash_max_listpack_entries.load(std::memory_order_relaxed)),
        length_max_(context.limits.hash_max_listpack_value.load(std::memory_order_relaxed)),
        small_(count <= count_max_) {
    if (!small_) leave_packed();
  }

  /// False: the field is known to be there already.
  bool add(std::string_view field, std::string_view value, std::optional<int64_t> expire_ms) {
    if (field.size() > length_max_ || value.size() > length_max_) small_ = false;
    if (packed_.size_bytes() + field.size() + value.size() > packed::kBytesMax / 2) small_ = false;
    if (!body_ && (!small_ || expire_ms)) {
      if (!leave_packed()) return false;
    }
    if (body_) return body_->fields.put(field, value, expire_ms);
    packed_.append(field);
    packed_.append(value);
    return true;
  }

  /// nullopt: a field was there twice. Precondition: there is a field.
  std::optional<DetachedValue> finish() {
    if (body_) {
      body_->small = small_;
      return DetachedValue::of_body(ValueType::kHash, std::move(body_));
    }
    std::string bytes = packed_.finish();
    if (PackedListView(bytes).has_duplicates(2)) return std::nullopt;
    return small_hash(std::move(bytes));
  }

 private:
  bool leave_packed() {
    body_ = std::make_unique<HashBody>(context_.hasher);
    std::string const bytes = packed_.finish();
    packed::TextScratch field;
    packed::TextScratch value;
    for (HashCursor cursor({.type = ValueType::kHash, .encoding = Encoding::kPacked, .bytes = bytes});
         std::optional<HashEntry> entry = cursor.next();) {
      if (!body_->fields.put(entry->field.as_text(field), entry->value.element.as_text(value))) return false;
    }
    return true;
  }

  ValueContext context_;
  uint64_t count_max_;
  uint64_t length_max_;
  bool small_;
  PackedListBuilder packed_;
  std::unique_ptr<HashBody> body_;
};

MaybeValue finish(ByteReader& in, HashBuilder& builder) {
  MaybeValue value = builder.finish();
  return value ? std::move(value) : corrupt_value(in);
}

/// How a file tells the expiry of a field: not at all, as it is, or as what is to be added to the smallest of the hash.
enum class ExpiryForm : uint8_t { kNone, kAbsolute, kRelative };

MaybeValue read_pairs(ByteReader& in, ValueContext const& context, ExpiryForm form) {
  int64_t const first_ms = form == ExpiryForm::kRelative ? in.fixed64_signed() : 1;
  uint64_t const count = in.count(form == ExpiryForm::kNone ? 2 : 3);
  if (!in.ok() || count == 0) return std::nullopt;
  if (first_ms < 0 || first_ms > kExpireMsMax) return corrupt_value(in);
  HashBuilder builder(context, count);
  std::string field_scratch;
  std::string value_scratch;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t const number = form == ExpiryForm::kNone ? 0 : in.length();
    std::string_view const field = in.string(field_scratch);
    std::string_view const value = in.string(value_scratch);
    if (!in.ok()) return std::nullopt;
    std::optional<int64_t> expire_ms;
    if (number > 0) {
      if (number > static_cast<uint64_t>(kExpireMsMax) + 1) return corrupt_value(in);
      expire_ms = first_ms + static_cast<int64_t>(number) - 1;
      if (*expire_ms > kExpireMsMax) return corrupt_value(in);
    }
    if (!builder.add(field, value, expire_ms)) return corrupt_value(in);
  }
  return finish(in, builder);
}

/// A packed list of pairs that is sound, from whatever form it came.
MaybeValue adopt_packed(ByteReader& in, ValueContext const& context, std::string bytes) {
  PackedListView const list(bytes);
  size_t const count = list.count();
  if (count == 0) return std::nullopt;
  if (count % 2 != 0) return corrupt_value(in);
  if (count / 2 <= context.limits.hash_max_listpack_entries.load(std::memory_order_relaxed)) {
    if (list.has_duplicates(2)) return corrupt_value(in);
    return small_hash(std::move(bytes));
  }
  HashBuilder builder(context, count / 2);
  packed::TextScratch field;
  packed::TextScratch value;
  for (HashCursor cursor({.type = ValueType::kHash, .encoding = Encoding::kPacked, .bytes = bytes});
       std::optional<HashEntry> entry = cursor.next();) {
    if (!builder.add(entry->field.as_text(field), entry->value.element.as_text(value), std::nullopt))
      return corrupt_value(in);
  }
  return finish(in, builder);
}

MaybeValue adopt_converted(ByteReader& in, ValueContext const& context, Result<std::string> packed) {
  return packed ? adopt_packed(in, context, std::move(*packed)) : corrupt_value(in);
}

/// A packed list of field, value, expiry (0: none): first those that expire, in the order in which they do.
MaybeValue read_triplets(ByteReader& in, ValueContext const& context, std::string_view bytes) {
  if (!PackedListView::validate(bytes, true)) return corrupt_value(in);
  PackedListView const list(bytes);
  size_t const count = list.count();
  if (count == 0) return std::nullopt;
  if (count % 3 != 0) return corrupt_value(in);
  HashBuilder builder(context, count / 3);
  packed::TextScratch field;
  packed::TextScratch value;
  int64_t before_ms = 1;
  for (auto at = list.begin(); at != list.end(); ++at) {
    packed::Element const name = *at;
    packed::Element const content = *++at;
    packed::Element const expiry = *++at;
    if (!expiry.is_integer || expiry.integer < 0 || expiry.integer > kExpireMsMax) return corrupt_value(in);
    bool const expires = expiry.integer != 0;
    if (expires && expiry.integer < before_ms) return corrupt_value(in);
    before_ms = expires ? expiry.integer : kExpireMsMax + 1;
    std::optional<int64_t> const expire_ms = expires ? std::optional(expiry.integer) : std::nullopt;
    if (!builder.add(name.as_text(field), content.as_text(value), expire_ms)) return corrupt_value(in);
  }
  return finish(in, builder);
}

class HashOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const& value) const override {
    if (!value.body) return "listpack";
    return static_cast<HashBody const*>(value.body)->small ? "listpackex" : "hashtable";
  }

  void compact(std::string& bytes, Encoding& encoding) const override {
    if (encoding == Encoding::kPacked && take_schema_form(bytes)) encoding = Encoding::kSchema;
  }

  uint64_t length(ValueView const& value) const override { return HashReader(value).size(); }

  RdbType rdb_type(ValueView const& value) const override {
    if (!value.body) return RdbType::kHashListpack;
    return value.body->expiring_elements() > 0 ? RdbType::kHashMetadata : RdbType::kHash;
  }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const override {
    if (!value.body) {
      writer.string(value.encoding == Encoding::kSchema ? packed_form(value.bytes) : value.bytes);
      return true;
    }
    FieldMap& fields = static_cast<HashBody*>(value.body)->fields;
    bool const expiries = fields.expiring_count() > 0;
    std::optional<int64_t> first_ms;
    if (expiries) writer.fixed64_signed(*(first_ms = fields.next_expiry_ms()));
    writer.length(fields.size());
    if (fields.drains()) return write_fields(FieldMap::Drain(fields), first_ms, writer, done);
    return write_fields(FieldMap::Iterator(fields), first_ms, writer, done);
  }

  std::optional<DetachedValue> read_rdb(RdbType type, ByteReader& in, ValueContext const& context) const override {
    switch (type) {
      case RdbType::kHash:
        return read_pairs(in, context, ExpiryForm::kNone);
      case RdbType::kHashMetadataPreGa:
        return read_pairs(in, context, ExpiryForm::kAbsolute);
      case RdbType::kHashMetadata:
        return read_pairs(in, context, ExpiryForm::kRelative);
      default:
        break;
    }
    if (type == RdbType::kHashListpackEx) in.fixed64();  // the smallest expiry; the fields tell it as well
    std::string scratch;
    std::string_view const bytes = in.string(scratch);
    if (!in.ok()) return std::nullopt;
    switch (type) {
      case RdbType::kHashZipmap:
        return adopt_converted(in, context, packed_list_from_zipmap(bytes));
      case RdbType::kHashZiplist:
        return adopt_converted(in, context, packed_list_from_ziplist(bytes));
      case RdbType::kHashListpackEx:
      case RdbType::kHashListpackExPreGa:
        return read_triplets(in, context, bytes);
      case RdbType::kHashListpack:
        if (!PackedListView::validate(bytes, true)) return corrupt_value(in);
        return adopt_packed(in, context, std::string(bytes));
      default:
        return corrupt_value(in);
    }
  }

  bool write_commands(std::string_view key, ValueView const& value, std::string& out,
                      PieceDone const& done) const override {
    uint64_t const count = HashReader(value).size();
    if (value.body && static_cast<HashBody*>(value.body)->fields.drains()) {
      FieldMap::Drain drain(static_cast<HashBody*>(value.body)->fields);
      auto const next = [&]() -> std::optional<HashEntry> {
        std::optional<FieldEntry> const entry = drain.next();
        if (!entry) return std::nullopt;
        return HashEntry{.field = {false, 0, entry->field}, .value = HashValue::of(*entry)};
      };
      return write_batches(key, count, next, out, done);
    }
    return write_batches(key, count, [cursor = HashCursor(value)]() mutable { return cursor.next(); }, out, done);
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    packed::TextScratch field;
    packed::TextScratch text;
    for (HashCursor cursor(value); std::optional<HashEntry> entry = cursor.next();) {
      visit(entry->field.as_text(field), entry->value.element.as_text(text));
    }
  }

 private:
  /// `first_ms`: the base of expiries, if some field has one.
  template <class Walk>
  static bool write_fields(Walk&& walk, std::optional<int64_t> first_ms, RdbWriter& writer, PieceDone const& done) {
    while (std::optional<FieldEntry> const entry = walk.next()) {
      if (first_ms) writer.length(entry->expire_ms ? static_cast<uint64_t>(*entry->expire_ms - *first_ms) + 1 : 0);
      writer.string(entry->field);
      writer.string(entry->value);
      if (!piece_done(writer.out(), done)) return false;
    }
    return true;
  }

  /// `next() -> std::optional<HashEntry>` gives `count` entries.
  template <class Next>
  static bool write_batches(std::string_view key, uint64_t count, Next&& next, std::string& out, PieceDone const& done) {
    packed::TextScratch scratch;
    std::string expiries;
    return append_batches("HMSET", key, count, 2, out, done, [&](uint64_t batch) {
      for (uint64_t i = 0; i < batch; i++) {
        std::optional<HashEntry> const entry = next();
        CHECK(entry);
        append_command_word(out, entry->field.as_text(scratch));
        if (entry->value.expire_ms) write_expiry(key, *entry, expiries);
        append_command_word(out, entry->value.element.as_text(scratch));
      }
      out.append(expiries);
      expiries.clear();
    });
  }

  static void write_expiry(std::string_view key, HashEntry const& entry, std::string& out) {
    packed::TextScratch scratch;
    append_command_head(out, 6);
    append_command_word(out, "HPEXPIREAT");
    append_command_word(out, key);
    append_command_word(out, to_text(*entry.value.expire_ms));
    append_command_word(out, "FIELDS");
    append_command_word(out, "1");
    append_command_word(out, entry.field.as_text(scratch));
  }
};

}  // namespace

TypeOps const& hash_ops() {
  static HashOps const kOps;
  return kOps;
}

}  // namespace holdfast
