#include "values/set_ops.h"

#include <algorithm>
#include <vector>

#include "values/rebuild_commands.h"
#include "values/set_value.h"

namespace holdfast {
namespace {

/// Members one after the other.
MaybeValue read_members(ByteReader& in, ValueContext const& context) {
  uint64_t const count = in.count();
  if (!in.ok() || count == 0) return std::nullopt;
  SetBuilder builder(context);
  // More than an int set holds: no form in a record is tried.
  if (count > context.limits.set_max_intset_entries.load(std::memory_order_relaxed)) builder.editor().leave_record();
  std::string scratch;
  for (uint64_t i = 0; i < count; i++) {
    std::string_view const member = in.string(scratch);
    if (!in.ok()) return std::nullopt;
    if (!builder.editor().add(member)) return corrupt_value(in);
  }
  return builder.finish();
}

/// What lies in a file as it lies in a record, and is sound: taken as it is up to `limit` members, else made a body.
MaybeValue adopt(ByteReader& in, ValueContext const& context, Encoding encoding, std::string_view bytes,
                 uint64_t limit) {
  SetReader const set({.type = ValueType::kSet, .encoding = encoding, .bytes = bytes});
  uint64_t const count = set.size();
  if (count == 0) return std::nullopt;
  if (count <= limit) {
    if (encoding == Encoding::kPacked && set.packed().has_duplicates(1)) return corrupt_value(in);
    return DetachedValue::of_packed(ValueType::kSet, std::string(bytes), encoding);
  }
  SetBuilder builder(context);
  builder.editor().leave_record();
  for (SetCursor cursor(set); std::optional<packed::Element> member = cursor.next();) {
    if (!builder.add(*member)) return corrupt_value(in);
  }
  return builder.finish();
}

class SetOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const& value) const override {
    if (value.body) return "hashtable";
    return value.encoding == Encoding::kIntset ? "intset" : "listpack";
  }

  uint64_t length(ValueView const& value) const override { return SetReader(value).size(); }

  RdbType rdb_type(ValueView const& value) const override {
    // Only Redis 7.2 and later read packed lists of members.
    return value.encoding == Encoding::kIntset ? RdbType::kSetIntset : RdbType::kSet;
  }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const override {
    SetReader const set(value);
    if (set.encoding() == Encoding::kIntset) {
      writer.string(value.bytes);
      return true;
    }
    writer.length(set.size());
    return with_walk(value, [&](auto&& next) {
      while (std::optional<packed::Element> const member = next()) {
        member->is_integer ? writer.integer(member->integer) : writer.string(member->text);
        if (!piece_done(writer.out(), done)) return false;
      }
      return true;
    });
  }

  std::optional<DetachedValue> read_rdb(RdbType type, ByteReader& in, ValueContext const& context) const override {
    if (type == RdbType::kSet) return read_members(in, context);
    std::string scratch;
    std::string_view const bytes = in.string(scratch);
    if (!in.ok()) return std::nullopt;
    ValueLimits const& limits = context.limits;
    if (type == RdbType::kSetIntset && IntSetView::validate(bytes, true)) {
      return adopt(in, context, Encoding::kIntset, bytes,
                   limits.set_max_intset_entries.load(std::memory_order_relaxed));
    }
    if (type == RdbType::kSetListpack && PackedListView::validate(bytes, true)) {
      return adopt(in, context, Encoding::kPacked, bytes,
                   limits.set_max_listpack_entries.load(std::memory_order_relaxed));
    }
    return corrupt_value(in);
  }

  bool write_commands(std::string_view key, ValueView const& value, std::string& out,
                      PieceDone const& done) const override {
    uint64_t const count = SetReader(value).size();
    return with_walk(value, [&](auto&& next) {
      packed::TextScratch scratch;
      return append_batches("SADD", key, count, 1, out, done, [&](uint64_t batch) {
        for (uint64_t i = 0; i < batch; i++) append_command_word(out, next()->as_text(scratch));
      });
    });
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    packed::TextScratch scratch;
    SetReader const set(value);
    for (SetCursor cursor(set); std::optional<packed::Element> member = cursor.next();)
      visit(member->as_text(scratch), {});
  }

 private:
  /// Gives `write` what walks over all members: `next() -> std::optional<packed::Element>`.
  template <class Write>
  static bool with_walk(ValueView const& value, Write&& write) {
    if (value.body && static_cast<SetBody*>(value.body)->members.drains()) {
      FieldSet::Drain drain(static_cast<SetBody*>(value.body)->members);
      return write([&]() -> std::optional<packed::Element> {
        std::optional<FieldEntry> const entry = drain.next();
        return entry ? std::optional(packed::Element{false, 0, entry->field}) : std::nullopt;
      });
    }
    SetReader const set(value);
    SetCursor cursor(set);
    return write([&] { return cursor.next(); });
  }
};

}  // namespace

TypeOps const& set_ops() {
  static SetOps const kOps;
  return kOps;
}

}  // namespace holdfast
