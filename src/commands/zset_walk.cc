#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/number.h"
#include "base/random.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "commands/collection_scan.h"
#include "commands/sorted_sets.h"
#include "commands/zset_reply.h"
#include "structures/sorted_set_scan.h"

namespace holdfast {
namespace {

// ---- ZRANDMEMBER ------------------------------------------------------------

/// Draws pairs, the same one again and again if it happens.
class Draws final : public ReplySource {
 public:
  Draws(DetachedValue value, uint64_t count, ZsetShape shape, uint64_t seed)
      : value_(std::move(value)), zset_(value_.view()), size_(zset_.size()), left_(count), shape_(shape), random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && left_ > 0; i++, left_--) {
      ZsetCursor const at = zset_.at(random_.below(size_));
      reply_pair(reply, shape_, at.member(), at.score());
    }
    return left_ > 0;
  }

 private:
  DetachedValue value_;
  ZsetReader zset_;
  uint64_t size_;
  uint64_t left_;
  ZsetShape shape_;
  Random random_;
};

/// Draws different pairs of a big set, of which at most a third is wanted: a rank that was drawn before is drawn again.
class DifferentDraws final : public ReplySource {
 public:
  DifferentDraws(DetachedValue value, uint64_t count, ZsetShape shape, uint64_t seed)
      : value_(std::move(value)), zset_(value_.view()), size_(zset_.size()), count_(count), shape_(shape), random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && drawn_.size() < count_; i++) {
      uint64_t const rank = random_.below(size_);
      if (!drawn_.insert(rank).second) continue;
      ZsetCursor const at = zset_.at(rank);
      reply_pair(reply, shape_, at.member(), at.score());
    }
    return drawn_.size() < count_;
  }

 private:
  DetachedValue value_;
  ZsetReader zset_;
  uint64_t size_;
  uint64_t count_;
  ZsetShape shape_;
  Random random_;
  std::unordered_set<uint64_t> drawn_;
};

/// Draws different pairs by a walk that takes each one with the probability that it must have now (Knuth, 3.4.2 S).
class Selection final : public ReplySource {
 public:
  Selection(DetachedValue value, uint64_t count, ZsetShape shape, uint64_t seed)
      : value_(std::move(value)), ahead_(ZsetReader(value_.view()).size()), left_(count), shape_(shape), random_(seed) {
    at_ = ZsetReader(value_.view()).at(0);
  }
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && left_ > 0; i++, at_.next()) {
      if (random_.below(ahead_--) >= left_) continue;
      left_--;
      reply_pair(reply, shape_, at_.member(), at_.score());
    }
    return left_ > 0;
  }

 private:
  DetachedValue value_;
  ZsetCursor at_;
  uint64_t ahead_;  // pairs that the walk has not come to
  uint64_t left_;
  ZsetShape shape_;
  Random random_;
};

void random_members(Txn& txn, Random& random, Zset const& zset, int64_t wanted, ZsetShape shape, Reply& reply) {
  if (wanted == 0) return reply.array(0);
  uint64_t const size = zset.reader().size();
  bool const different = wanted > 0;
  uint64_t const count = different ? static_cast<uint64_t>(wanted) : 0 - static_cast<uint64_t>(wanted);
  if (different && count >= size) return reply_slice(txn, zset, {0, size, false}, shape, reply);
  begin_pairs(reply, shape, count);
  DetachedValue value = txn.copy_value(zset.record());
  uint64_t const seed = random.next();
  std::unique_ptr<ReplySource> source;
  if (!different) {
    source = std::make_unique<Draws>(std::move(value), count, shape, seed);
  } else if (value.body && count <= size / 3) {
    source = std::make_unique<DifferentDraws>(std::move(value), count, shape, seed);
  } else {
    source = std::make_unique<Selection>(std::move(value), count, shape, seed);
  }
  if (count > kReplyPairsMax) return reply.follow(std::move(source));
  while (source->write(reply, kReplyPairsMax)) continue;
}

void cmd_zrandmember(Txn& txn, Session& session, Args args, Reply& reply) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Random& random = session.worker().random;
  if (args.size() == 2) {
    std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
    if (!zset) return;
    if (!zset->exists()) return reply.null();
    return reply_element(reply, zset->reader().at(random.below(zset->reader().size())).member());
  }
  std::optional<int64_t> const count = args.integer(2, reply);
  if (!count) return;
  if (*count < -kMax) return reply.errorf("value is out of range, value must between %ld and %ld", -kMax, kMax);
  bool const scores = args.size() == 4;
  if (args.size() > 4 || (scores && !args.is(3, "WITHSCORES"))) return reply.error(errors::kSyntax);
  if (scores && (*count < -kMax / 2 || *count > kMax / 2)) return reply.error(errors::kOutOfRange);
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  if (!zset->exists()) return reply.array(0);
  random_members(txn, random, *zset, *count, scores ? ZsetShape::kScores : ZsetShape::kMembers, reply);
}

// ---- ZSCAN ------------------------------------------------------------

/// Pairs that are looked at while the lock is held.
constexpr uint64_t kScanPairsMax = 1000;

void reply_scanned(Reply& reply, packed::Element const& member, double score) {
  char text[kDoubleTextBytesMax];
  reply_element(reply, member);
  reply.bulk({text, format_double(text, score)});
}

/// What a step of ZSCAN finds; views of the set.
class Found {
 public:
  explicit Found(CollectionScan const& options) : options_(options) {}

  bool walk(SortedSetScan& scan, uint64_t pairs_max) {
    return scan.walk(pairs_max, [&](std::string_view member, double score) {
      if (options_.matches(member)) pairs_.push_back({member, score});
    });
  }
  void begin(Reply& reply, uint64_t cursor) const {
    reply.array(2);
    reply.bulk(to_text_unsigned(cursor));
    reply.array(2 * pairs_.size());
  }
  /// Writes up to `pairs_max` more pairs; false: that was all.
  bool write(Reply& reply, size_t pairs_max) {
    for (size_t i = 0; i < pairs_max && written_ < pairs_.size(); i++, written_++) {
      reply_scanned(reply, {false, 0, pairs_[written_].first}, pairs_[written_].second);
    }
    return written_ < pairs_.size();
  }

 private:
  CollectionScan options_;
  std::vector<std::pair<std::string_view, double>> pairs_;
  size_t written_ = 0;
};

/// A long step, of a frozen set: first it walks, then it answers.
class LongScan final : public ReplySource {
 public:
  LongScan(DetachedValue value, CollectionScan const& options)
      : value_(std::move(value)),
        pattern_(options.pattern.value_or("")),
        scan_(*ZsetReader(value_.view()).set(), options.cursor, options.count),
        found_(own(options)) {}

  bool write(Reply& reply, size_t elements_max) override {
    if (answering_) return found_.write(reply, elements_max);
    if (!widened_) scan_.widen();
    widened_ = true;
    if (found_.walk(scan_, kPairsPerElement * elements_max)) return true;
    found_.begin(reply, scan_.cursor());
    answering_ = true;
    return true;
  }

 private:
  /// A pair that is passed over costs much less than one that is sent.
  static constexpr uint64_t kPairsPerElement = 8;

  CollectionScan own(CollectionScan options) const {
    if (options.pattern) options.pattern = pattern_;
    return options;
  }

  DetachedValue value_;
  std::string pattern_;
  SortedSetScan scan_;
  Found found_;
  bool widened_ = false;
  bool answering_ = false;
};

/// A packed set is scanned in one step, whatever cursor and count are.
void scan_packed(ZsetReader const& zset, CollectionScan const& options, Reply& reply) {
  packed::TextScratch scratch;
  reply.array(2);
  reply.bulk("0");
  size_t const mark = reply.begin_deferred();
  size_t words = 0;
  ZsetCursor at = zset.at(0);
  for (uint64_t left = zset.size(); left > 0; left--, at.next()) {
    packed::Element const member = at.member();
    if (!options.matches(member.as_text(scratch))) continue;
    words += 2;
    reply_scanned(reply, member, at.score());
  }
  reply.end_deferred_array(mark, words);
}

void cmd_zscan(Txn& txn, Args args, Reply& reply) {
  std::optional<uint64_t> const cursor = CollectionScan::read_cursor(args, reply);
  if (!cursor) return;
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  if (!zset->exists()) return reply_empty_scan(reply);
  std::optional<CollectionScan> const options = CollectionScan::parse(args, *cursor, false, reply);
  if (!options) return;
  ZsetReader const reader = zset->reader();
  if (!reader.set()) return scan_packed(reader, *options, reply);
  if (options->count <= kScanPairsMax) {
    SortedSetScan scan(*reader.set(), options->cursor, options->count);
    if (scan.cost() <= 2 * kScanPairsMax) {
      Found found(*options);
      while (found.walk(scan, kScanPairsMax)) continue;
      found.begin(reply, scan.cursor());
      while (found.write(reply, kScanPairsMax)) continue;
      return;
    }
  }
  reply.follow(std::make_unique<LongScan>(txn.copy_value(zset->record()), *options));
}

constexpr CommandRow kZsetWalkRows[] = {
    {.name = "zrandmember", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "nondeterministic_output", .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N) for N members answered", .summary = "Answers random members of a sorted set.",
     .syntax = "key:key [options:block(count:integer [WITHSCORES])]", .handler = &cmd_zrandmember},
    {.name = "zscan", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "sortedset",
     .tips = "nondeterministic_output", .group = "sorted-set", .since = "2.8.0",
     .complexity = "O(1) for each call, O(N) for a whole iteration over N members; more where many have the same score",
     .summary = "Walks through the members of a sorted set in small portions.",
     .syntax = "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]", .handler = &cmd_zscan},
};

}  // namespace

CommandRows zset_walk_commands() { return kZsetWalkRows; }

}  // namespace holdfast
