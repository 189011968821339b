#include "values/zset_ops.h"

#include <cmath>
#include <cstdio>

#include "base/number.h"
#include "structures/ziplist.h"
#include "values/rebuild_commands.h"
#include "values/zset_value.h"

namespace holdfast {
namespace {

/// Types 3 and 5: pairs in any order.
MaybeValue read_pairs(ByteReader& in, ValueContext const& context, bool binary_scores) {
  uint64_t const count = in.count(binary_scores ? 1 + sizeof(double) : 2);
  if (!in.ok() || count == 0) return std::nullopt;
  SortedSet set(context.hasher);
  std::string scratch;
  for (uint64_t i = 0; i < count; i++) {
    std::string_view const member = in.string(scratch);
    double const score = binary_scores ? in.binary64() : in.ascii_double();
    if (!in.ok()) return std::nullopt;
    if (std::isnan(score) || !set.append(member, score)) return corrupt_value(in);
  }
  return zset_value_of(std::move(set), context.limits);
}

std::optional<double> score_of(packed::Element const& element) {
  return element.is_integer ? static_cast<double>(element.integer) : parse_double(element.text);
}

/// Pairs in order, each member once, scores that are numbers.
bool is_sorted_set(PackedListView list) {
  if (list.has_duplicates(2)) return false;
  std::string before;
  std::optional<double> score_before;
  packed::TextScratch scratch;
  for (auto at = list.begin(); at != list.end(); ++at) {
    std::string_view const member = (*at).as_text(scratch);
    std::optional<double> const score = score_of(*++at);
    if (!score || score < score_before || (score == score_before && member <= before)) return false;
    before = member;
    score_before = score;
  }
  return true;
}

/// A packed list that is sound, from whatever form it came. Like Redis this looks only at the number of pairs.
MaybeValue adopt_packed(ByteReader& in, ValueContext const& context, std::string bytes) {
  PackedListView const list(bytes);
  size_t const count = list.count();
  if (count == 0) return std::nullopt;
  if (count % 2 != 0 || !is_sorted_set(list)) return corrupt_value(in);
  if (count / 2 <= context.limits.zset_max_listpack_entries.load(std::memory_order_relaxed)) {
    return DetachedValue::of_packed(ValueType::kZset, std::move(bytes));
  }
  auto body = std::make_unique<ZsetBody>(context.hasher);
  packed::TextScratch scratch;
  ZsetCursor at(list.first());
  for (size_t left = count / 2; left > 0; left--, at.next()) {
    if (!body->set.append(at.member().as_text(scratch), at.score())) return corrupt_value(in);
  }
  return DetachedValue::of_body(ValueType::kZset, std::move(body));
}

class ZsetOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const& value) const override { return value.body ? "skiplist" : "listpack"; }

  uint64_t length(ValueView const& value) const override { return ZsetReader(value).size(); }

  RdbType rdb_type(ValueView const& value) const override {
    return value.body ? RdbType::kZset2 : RdbType::kZsetListpack;
  }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const override {
    ZsetReader const zset(value);
    if (!zset.set()) {
      writer.string(value.bytes);
      return true;
    }
    // From the highest down, as Redis does it, so that both write the same bytes.
    uint64_t left = zset.size();
    writer.length(left);
    if (zset.set()->drains()) {
      ScoreTree::Drain drain = static_cast<ZsetBody*>(value.body)->set.drain(ScoreTree::Drain::From::kHighest);
      while (drain.next()) {
        writer.string(drain.member());
        writer.binary64(drain.score());
        if (!piece_done(writer.out(), done)) return false;
      }
      return true;
    }
    for (SortedSet::Cursor at = zset.set()->ordered().last(); left > 0; left--, at.previous()) {
      writer.string(at.member());
      writer.binary64(at.score());
      if (!piece_done(writer.out(), done)) return false;
    }
    return true;
  }

  std::optional<DetachedValue> read_rdb(RdbType type, ByteReader& in, ValueContext const& context) const override {
    if (type == RdbType::kZset || type == RdbType::kZset2) return read_pairs(in, context, type == RdbType::kZset2);
    std::string scratch;
    std::string_view const bytes = in.string(scratch);
    if (!in.ok()) return std::nullopt;
    if (type == RdbType::kZsetZiplist) {
      Result<std::string> converted = packed_list_from_ziplist(bytes);
      return converted ? adopt_packed(in, context, std::move(*converted)) : corrupt_value(in);
    }
    if (type != RdbType::kZsetListpack || !PackedListView::validate(bytes, true)) return corrupt_value(in);
    return adopt_packed(in, context, std::string(bytes));
  }

  bool write_commands(std::string_view key, ValueView const& value, std::string& out,
                      PieceDone const& done) const override {
    ZsetReader const zset(value);
    packed::TextScratch scratch;
    if (zset.set() && zset.set()->drains()) {
      uint64_t const count = zset.size();
      ScoreTree::Drain drain = static_cast<ZsetBody*>(value.body)->set.drain(ScoreTree::Drain::From::kLowest);
      return write_batches(key, count, out, done, [&](auto&& pair) {
        CHECK(drain.next());
        pair(drain.score(), drain.member());
      });
    }
    return write_batches(key, zset.size(), out, done, [&, at = zset.at(0)](auto&& pair) mutable {
      pair(at.score(), at.member().as_text(scratch));
      at.next();
    });
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    packed::TextScratch member;
    char score[kDoubleTextBytesMax];
    uint64_t left = ZsetReader(value).size();
    for (ZsetCursor at = ZsetReader(value).at(0); left > 0; left--, at.next()) {
      int const bytes = std::snprintf(score, sizeof score, "%.17g", at.score());
      visit(at.member().as_text(member), {score, static_cast<size_t>(bytes)});
    }
  }

 private:
  /// `give(pair)` calls `pair(score, member)` with the next of `count` pairs.
  template <class Give>
  static bool write_batches(std::string_view key, uint64_t count, std::string& out, PieceDone const& done, Give&& give) {
    char text[kDoubleTextBytesMax];
    auto const pair = [&](double score, std::string_view member) {
      append_command_word(out, {text, format_double(text, score)});
      append_command_word(out, member);
    };
    return append_batches("ZADD", key, count, 2, out, done, [&](uint64_t batch) {
      for (uint64_t i = 0; i < batch; i++) give(pair);
    });
  }
};

}  // namespace

TypeOps const& zset_ops() {
  static ZsetOps const kOps;
  return kOps;
}

}  // namespace holdfast
