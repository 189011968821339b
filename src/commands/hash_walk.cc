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
#include "commands/hash_reply.h"
#include "commands/hashes.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

// ---- HRANDFIELD ------------------------------------------------------------

HashEntry entry_of(FieldEntry const& entry) {
  return {.field = {false, 0, entry.field}, .value = HashValue::of(entry)};
}

/// Some entry of a hash that is not empty, each with the same probability.
HashEntry draw(HashReader const& hash, Random& random) {
  if (hash.fields()) return entry_of(*hash.fields()->random([&] { return random.next(); }));
  return hash.entry(random.below(hash.size()));
}

/// Draws entries, the same one again and again if it happens.
class Draws final : public ReplySource {
 public:
  Draws(DetachedValue value, uint64_t count, HashPart part, uint64_t seed)
      : value_(std::move(value)), hash_(value_.view()), left_(count), part_(part), random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && left_ > 0; i++, left_--) {
      HashEntry const entry = draw(hash_, random_);
      reply_entry(reply, part_, HashShape::kPairs, entry.field, entry.value);
    }
    return left_ > 0;
  }

 private:
  DetachedValue value_;
  HashReader hash_;
  uint64_t left_;
  HashPart part_;
  Random random_;
};

/// Draws different entries of a big hash, of which at most a third is wanted: an entry that was drawn before is drawn
/// again. Entries of a frozen hash are told by where they lie.
class DifferentDraws final : public ReplySource {
 public:
  DifferentDraws(DetachedValue value, uint64_t count, HashPart part, uint64_t seed)
      : value_(std::move(value)), hash_(value_.view()), count_(count), part_(part), random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && seen_.size() < count_; i++) {
      HashEntry const entry = draw(hash_, random_);
      if (seen_.insert(entry.field.text.data()).second) {
        reply_entry(reply, part_, HashShape::kPairs, entry.field, entry.value);
      }
    }
    return seen_.size() < count_;
  }

 private:
  DetachedValue value_;
  HashReader hash_;
  uint64_t count_;
  HashPart part_;
  Random random_;
  std::unordered_set<char const*> seen_;
};

/// Draws different entries by a walk that takes each one with the probability that it must have now (Knuth, 3.4.2 S).
class Selection final : public ReplySource {
 public:
  Selection(DetachedValue value, uint64_t count, HashPart part, uint64_t seed)
      : value_(std::move(value)),
        cursor_(value_.view()),
        size_(HashReader(value_.view()).size()),
        left_(count),
        part_(part),
        random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && left_ > 0; i++) {
      HashEntry const entry = *cursor_.next();
      if (random_.below(size_--) >= left_) continue;
      left_--;
      reply_entry(reply, part_, HashShape::kPairs, entry.field, entry.value);
    }
    return left_ > 0;
  }

 private:
  DetachedValue value_;
  HashCursor cursor_;
  uint64_t size_;  // entries that the walk has not come to
  uint64_t left_;
  HashPart part_;
  Random random_;
};

void random_fields(Txn& txn, Random& random, Hash& hash, int64_t wanted, HashPart part, Reply& reply) {
  hash.settle_all();
  if (wanted == 0 || !hash.exists()) return begin_entries(reply, part, HashShape::kPairs, 0);
  bool const different = wanted > 0;
  uint64_t count = different ? static_cast<uint64_t>(wanted) : 0 - static_cast<uint64_t>(wanted);
  if (different && count >= hash.reader().size()) return reply_hash(txn, hash, part, HashShape::kPairs, reply);
  DetachedValue value = hash.copy_live();
  uint64_t const size = HashReader(value.view()).size();
  if (different || size == 0) count = std::min(count, size);
  begin_entries(reply, part, HashShape::kPairs, count);
  uint64_t const seed = random.next();
  std::unique_ptr<ReplySource> source;
  if (!different) {
    source = std::make_unique<Draws>(std::move(value), count, part, seed);
  } else if (value.body && count <= size / 3) {
    source = std::make_unique<DifferentDraws>(std::move(value), count, part, seed);
  } else {
    source = std::make_unique<Selection>(std::move(value), count, part, seed);
  }
  if (count > kReplyEntriesMax) return reply.follow(std::move(source));
  while (source->write(reply, kReplyEntriesMax)) continue;
}

void cmd_hrandfield(Txn& txn, Session& session, Args args, Reply& reply) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Random& random = session.worker().random;
  if (args.size() == 2) {
    std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
    if (!hash) return;
    hash->settle_all();
    if (!hash->exists()) return reply.null();
    if (!hash->has_due_fields()) [[likely]] return reply_element(reply, draw(hash->reader(), random).field);
    DetachedValue const live = hash->copy_live();
    HashReader const fields(live.view());
    return fields.size() == 0 ? reply.null() : reply_element(reply, draw(fields, random).field);
  }
  std::optional<int64_t> count = args.integer(2, reply);
  if (!count) return;
  if (*count < -kMax) return reply.errorf("value is out of range, value must between %ld and %ld", -kMax, kMax);
  if (args.size() > 4 || (args.size() == 4 && !args.is(3, "WITHVALUES"))) return reply.error(errors::kSyntax);
  bool const values = args.size() == 4;
  if (values && (*count < -kMax / 2 || *count > kMax / 2)) return reply.error(errors::kOutOfRange);
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  if (!hash->exists()) return reply.array(0);
  random_fields(txn, random, *hash, *count, values ? HashPart::kBoth : HashPart::kFields, reply);
}

// ---- HSCAN ------------------------------------------------------------

/// Entries of a map that are walked while the lock is held.
constexpr uint64_t kScanEntriesMax = 1000;

/// What a step of HSCAN finds.
class Scan {
 public:
  Scan(CollectionScan const& options, int64_t alive_at_ms) : options_(options), alive_at_ms_(alive_at_ms) {}

  /// Walks on over at least `entries` entries, if there are so many.
  void walk(FieldMap const& map, uint64_t entries) {
    cursor_ = map.scan(cursor_, entries, [&](FieldEntry const& entry) {
      if (entry.expire_ms && *entry.expire_ms < alive_at_ms_) return;
      if (options_.matches(entry.field)) found_.push_back(entry);
    });
  }
  uint64_t cursor() const { return cursor_; }
  void set_cursor(uint64_t cursor) { cursor_ = cursor; }
  std::vector<FieldEntry> const& found() const { return found_; }
  uint64_t words() const { return found_.size() * (options_.no_values ? 1 : 2); }
  void write(Reply& reply, size_t first, size_t last) const {
    HashPart const part = options_.no_values ? HashPart::kFields : HashPart::kBoth;
    for (size_t i = first; i < last; i++) {
      HashEntry const entry = entry_of(found_[i]);
      reply_entry(reply, part, HashShape::kMap, entry.field, entry.value);
    }
  }
  void begin(Reply& reply) const {
    reply.array(2);
    reply.bulk(to_text_unsigned(cursor_));
    reply.array(words());
  }

 private:
  CollectionScan options_;
  int64_t alive_at_ms_;
  uint64_t cursor_ = 0;
  std::vector<FieldEntry> found_;
};

/// A scan with a big COUNT, of a frozen hash: first it walks, then it answers.
class LongScan final : public ReplySource {
 public:
  LongScan(DetachedValue value, CollectionScan const& options, int64_t alive_at_ms)
      : value_(std::move(value)),
        pattern_(options.pattern.value_or("")),
        left_(options.count),
        scan_(own(options), alive_at_ms) {
    scan_.set_cursor(options.cursor);
  }

  bool write(Reply& reply, size_t elements_max) override {
    if (left_ > 0) {
      uint64_t const entries = std::min<uint64_t>(left_, elements_max);
      scan_.walk(*HashReader(value_.view()).fields(), entries);
      left_ = scan_.cursor() == 0 ? 0 : left_ - entries;
      if (left_ == 0) scan_.begin(reply);
      return true;
    }
    size_t const last = std::min(written_ + elements_max / 2 + 1, scan_.found().size());
    scan_.write(reply, written_, last);
    written_ = last;
    return written_ < scan_.found().size();
  }

 private:
  CollectionScan own(CollectionScan options) const {
    if (options.pattern) options.pattern = pattern_;
    return options;
  }

  DetachedValue value_;
  std::string pattern_;
  uint64_t left_;
  Scan scan_;
  size_t written_ = 0;
};

/// A packed hash is scanned in one step, whatever cursor and count are.
void scan_packed(HashReader const& hash, CollectionScan const& options, Reply& reply) {
  HashPart const part = options.no_values ? HashPart::kFields : HashPart::kBoth;
  packed::TextScratch scratch;
  reply.array(2);
  reply.bulk("0");
  size_t const mark = reply.begin_deferred();
  size_t words = 0;
  for (HashCursor cursor(hash); std::optional<HashEntry> entry = cursor.next();) {
    if (!options.matches(entry->field.as_text(scratch))) continue;
    words += options.no_values ? 1 : 2;
    reply_entry(reply, part, HashShape::kMap, entry->field, entry->value);
  }
  reply.end_deferred_array(mark, words);
}

void cmd_hscan(Txn& txn, Args args, Reply& reply) {
  std::optional<uint64_t> cursor = CollectionScan::read_cursor(args, reply);
  if (!cursor) return;
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  if (!hash->exists()) return reply_empty_scan(reply);
  std::optional<CollectionScan> options = CollectionScan::parse(args, *cursor, true, reply);
  if (!options) return;
  HashReader const reader = hash->reader();
  if (!reader.fields()) return scan_packed(reader, *options, reply);
  int64_t const alive_at_ms = hash->has_due_fields() ? txn.now_ms() : std::numeric_limits<int64_t>::min();
  if (options->count > kScanEntriesMax) {
    return reply.follow(std::make_unique<LongScan>(txn.copy_value(hash->record()), *options, alive_at_ms));
  }
  Scan scan(*options, alive_at_ms);
  scan.set_cursor(options->cursor);
  scan.walk(*reader.fields(), options->count);
  scan.begin(reply);
  scan.write(reply, 0, scan.found().size());
}

constexpr CommandRow kHashWalkRows[] = {
    {.name = "hrandfield", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "nondeterministic_output", .group = "hash", .since = "6.2.0", .complexity = "O(N) for N fields",
     .summary = "Answers random fields of a hash.",
     .syntax = "key:key [options:block(count:integer [WITHVALUES])]", .handler = &cmd_hrandfield},
    {.name = "hscan", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "nondeterministic_output", .group = "hash", .since = "2.8.0",
     .complexity = "O(1) for each call, O(N) for a whole iteration over N fields",
     .summary = "Walks through the fields of a hash in small portions.",
     .syntax = "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]", .handler = &cmd_hscan},
};

}  // namespace

CommandRows hash_walk_commands() { return kHashWalkRows; }

}  // namespace holdfast
