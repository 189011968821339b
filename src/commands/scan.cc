#include "commands/scan.h"

#include <string>
#include <vector>

#include "base/glob.h"
#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"
#include "command/services.h"
#include "command/session.h"
#include "command/task.h"
#include "command/worker_context.h"
#include "commands/scan_cursor.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Keys looked at, and buckets walked, under one hold of a partition's lock: about 30 us.
constexpr uint64_t kKeysPerHold = 256;
constexpr int kBucketsPerHold = 256;
/// Replies are gathered in pieces of this size, bytes.
constexpr size_t kPieceBytes = 64 * 1024;

/// A glob pattern; "*" alone also matches the empty key, which the glob does not.
class KeyPattern {
 public:
  explicit KeyPattern(std::string_view pattern) : pattern_(pattern), all_(pattern == "*") {}
  bool matches(std::string_view key) const { return all_ || glob_match(pattern_, key); }

 private:
  std::string pattern_;
  bool all_;
};

bool is_expired(Keyspace const& keyspace, Record const* record, int64_t now_ms) {
  return record->has_expiry() && record->expire_ms() < now_ms && !keyspace.expiry_held();
}

/// True when there is nothing of `db` in a partition. No lock is needed: a key that was there all the time is counted.
bool is_empty(Keyspace const& keyspace, uint32_t partition, int db) {
  return keyspace.partition(partition).counters[static_cast<size_t>(db)].keys.get() == 0;
}

// ---- KEYS ------------------------------------------------------------

/// Walks whole segments, whose borders only ever get finer: no key is answered twice.
class KeysTask final : public Task {
 public:
  explicit KeysTask(std::string_view pattern) : pattern_(pattern) {}

  Progress step(TaskSlice& slice) override {
    Keyspace& keyspace = slice.session().services().keyspace;
    Reply& reply = slice.reply();
    if (!begun_) {
      mark_ = reply.begin_deferred();
      begun_ = true;
    }
    while (partition_ < keyspace.partition_count()) {
      if (position_ == 0 && is_empty(keyspace, partition_, slice.session().db())) {
        partition_++;
        continue;
      }
      if (!slice.with_partition(partition_, [&](Txn& txn) { walk(txn, reply); })) return Progress::kAgain;
      if (slice.expired() && partition_ < keyspace.partition_count()) return Progress::kAgain;
    }
    reply.end_deferred_array(mark_, found_);
    return Progress::kDone;
  }

 private:
  void walk(Txn& txn, Reply& reply) {
    KeyTable* table = txn.table_of(partition_);
    bool more = false;
    for (uint64_t seen = 0; table && seen < kKeysPerHold;) {
      more = table->table().visit_segment(position_, [&](KeyTable::Segment& segment) {
        seen += segment.entries + 1;
        for (uint32_t i = 0; i < segment.bucket_count; i++) visit(txn, segment.buckets()[i], reply);
      });
      if (!more) break;
    }
    if (!more) {
      partition_++;
      position_ = 0;
    }
  }

  void visit(Txn& txn, Bucket const& bucket, Reply& reply) {
    for (uint32_t left = bucket.occupied(); left; left &= left - 1) {
      auto const* record = static_cast<Record const*>(bucket.pointer(__builtin_ctz(left)));
      if (is_expired(txn.keyspace(), record, txn.now_ms()) || !pattern_.matches(record->key())) continue;
      reply.bulk(record->key());
      found_++;
    }
  }

  KeyPattern pattern_;
  uint32_t partition_ = 0;
  uint64_t position_ = 0;
  bool begun_ = false;
  size_t mark_ = 0;
  size_t found_ = 0;
};

std::unique_ptr<Task> cmd_keys(Session&, Args args, Reply&) { return std::make_unique<KeysTask>(args[1]); }

// ---- SCAN ------------------------------------------------------------

struct ScanOptions {
  int64_t count = 10;
  std::optional<KeyPattern> pattern;
  std::optional<std::string> type;

  /// On failure replies why.
  static std::optional<ScanOptions> parse(Args args, Reply& reply);
};

std::optional<ScanOptions> ScanOptions::parse(Args args, Reply& reply) {
  ScanOptions options;
  for (size_t i = 2; i < args.size(); i += 2) {
    bool has_value = i + 1 < args.size();
    if (has_value && args.is(i, "COUNT")) {
      std::optional<int64_t> count = args.integer(i + 1, reply);
      if (!count) return std::nullopt;
      options.count = *count;
      if (options.count >= 1) continue;
    } else if (has_value && args.is(i, "MATCH")) {
      options.pattern.emplace(args[i + 1]);
      continue;
    } else if (has_value && args.is(i, "TYPE")) {
      options.type = args[i + 1];
      continue;
    }
    reply.error(errors::kSyntax);
    return std::nullopt;
  }
  return options;
}

class ScanTask final : public Task {
 public:
  ScanTask(ScanCursor cursor, ScanOptions options)
      : cursor_(cursor), options_(std::move(options)), wanted_(static_cast<uint64_t>(options_.count)) {}

  Progress step(TaskSlice& slice) override {
    if (!scanned_ && !scan(slice)) return Progress::kAgain;
    return answer(slice);
  }

 private:
  /// False: go on in the next slice.
  bool scan(TaskSlice& slice);
  /// Walks some buckets of the cursor's partition.
  void walk(Txn& txn);
  bool wanted(Txn& txn, Record const* record);
  void gather(std::string_view key);
  Progress answer(TaskSlice& slice);

  ScanCursor cursor_;
  ScanOptions options_;
  uint64_t wanted_;  // keys still to be looked at
  bool scanned_ = false;
  size_t found_ = 0;
  std::vector<std::string> pieces_;  // the keys as bulks
  size_t answered_pieces_ = 0;
  bool headed_ = false;
  std::vector<std::string> expired_;  // met in the present hold
};

bool ScanTask::scan(TaskSlice& slice) {
  Keyspace& keyspace = slice.session().services().keyspace;
  while (wanted_ > 0 && cursor_.partition < keyspace.partition_count()) {
    if (cursor_.position == 0 && is_empty(keyspace, cursor_.partition, slice.session().db())) {
      cursor_.partition++;
      continue;
    }
    if (!slice.with_partition(cursor_.partition, [&](Txn& txn) { walk(txn); })) return false;
    if (slice.expired() && wanted_ > 0) return false;
  }
  if (cursor_.partition >= keyspace.partition_count()) cursor_ = {};
  scanned_ = true;
  return true;
}

void ScanTask::walk(Txn& txn) {
  KeyTable* table = txn.table_of(cursor_.partition);
  uint64_t seen = 0;
  bool ended = !table;
  for (int i = 0; i < kBucketsPerHold && seen < kKeysPerHold && seen < wanted_ && !ended; i++) {
    cursor_.position = table->table().scan(cursor_.position, [&](Record* record) {
      seen++;
      if (wanted(txn, record)) gather(record->key());
    });
    ended = cursor_.position == 0;
  }
  wanted_ -= std::min(wanted_, seen);
  if (ended) cursor_ = {cursor_.partition + 1, 0};
  // Now that nobody walks the table: looking an expired key up deletes it.
  for (std::string const& key : expired_) txn.find(key, Lookup::kPeek);
  expired_.clear();
}

bool ScanTask::wanted(Txn& txn, Record const* record) {
  if (options_.pattern && !options_.pattern->matches(record->key())) return false;
  if (is_expired(txn.keyspace(), record, txn.now_ms())) {
    expired_.emplace_back(record->key());
    return false;
  }
  return !options_.type || iequals(*options_.type, type_name(record->type()));
}

void ScanTask::gather(std::string_view key) {
  if (pieces_.empty() || pieces_.back().size() >= kPieceBytes) pieces_.emplace_back();
  pieces_.back().append("$").append(to_text(static_cast<int64_t>(key.size()))).append("\r\n");
  pieces_.back().append(key).append("\r\n");
  found_++;
}

Task::Progress ScanTask::answer(TaskSlice& slice) {
  Reply& reply = slice.reply();
  if (!headed_) {
    reply.array(2);
    reply.bulk(to_text_unsigned(cursor_.number()));
    reply.array(found_);
    headed_ = true;
  }
  while (answered_pieces_ < pieces_.size()) {
    std::string piece = std::move(pieces_[answered_pieces_++]);
    reply.raw(piece);
    if (slice.expired() && answered_pieces_ < pieces_.size()) return Progress::kAgain;
  }
  return Progress::kDone;
}

std::unique_ptr<Task> cmd_scan(Session&, Args args, Reply& reply) {
  std::optional<uint64_t> cursor = parse_scan_cursor(args[1]);
  if (!cursor) {
    reply.error("invalid cursor");
    return nullptr;
  }
  std::optional<ScanOptions> options = ScanOptions::parse(args, reply);
  if (!options) return nullptr;
  return std::make_unique<ScanTask>(ScanCursor::from_number(*cursor), std::move(*options));
}

// ---- RANDOMKEY ------------------------------------------------------------

/// Draws a partition by the number of its keys, then a key of it. Keys that have expired are deleted and drawn again.
class RandomKeyTask final : public Task {
 public:
  Progress step(TaskSlice& slice) override {
    do {
      std::optional<uint32_t> partition = draw_partition(slice.session());
      if (!partition) {
        // A key may have been on its way from one partition to another.
        bool empty = false;
        bool const locked_all = slice.with_all_partitions([&](Txn& txn) { empty = txn.keyspace().keys(txn.db()) == 0; });
        if (!locked_all || !empty) return Progress::kAgain;
        slice.reply().null();
        return Progress::kDone;
      }
      std::string key;
      bool found = false;
      bool locked = slice.with_partition(*partition, [&](Txn& txn) {
        KeyTable* table = txn.table_of(*partition);
        Record const* record = table ? table->table().sample(slice.session().worker().random.next()) : nullptr;
        if (!record) return;
        key = record->key();
        found = txn.find(key, Lookup::kPeek) != nullptr;
      });
      if (locked && found) {
        slice.reply().bulk(key);
        return Progress::kDone;
      }
      if (!locked) return Progress::kAgain;
    } while (!slice.expired());
    return Progress::kAgain;
  }

 private:
  static std::optional<uint32_t> draw_partition(Session& session) {
    Keyspace const& keyspace = session.services().keyspace;
    auto db = static_cast<size_t>(session.db());
    uint64_t total = keyspace.keys(session.db());
    if (total == 0) return std::nullopt;
    uint64_t drawn = session.worker().random.below(total);
    for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
      uint64_t keys = keyspace.partition(i).counters[db].keys.get();
      if (drawn < keys) return i;
      drawn -= keys;
    }
    // Keys went away between the sum and the walk: as good as any is the last partition; the caller draws again.
    return keyspace.partition_count() - 1;
  }
};

std::unique_ptr<Task> cmd_randomkey(Session&, Args, Reply&) { return std::make_unique<RandomKeyTask>(); }

constexpr CommandRow kScanRows[] = {
    {.name = "keys", .arity = 2, .flags = "readonly", .keys = "", .categories = "keyspace dangerous",
     .tips = "request_policy:all_shards; nondeterministic_output_order", .group = "generic", .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys of the database",
     .summary = "Lists the keys that match a pattern.",
     .syntax = "pattern:pattern", .handler = &cmd_keys},
    {.name = "scan", .arity = -2, .flags = "readonly touches_arbitrary_keys", .keys = "", .categories = "keyspace",
     .tips = "nondeterministic_output; request_policy:special", .group = "generic", .since = "2.8.0",
     .complexity = "O(1) for each call, O(N) for a whole iteration over N keys",
     .summary = "Walks through the keys of the database in small portions.",
     .syntax = "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type:string@6.0.0]",
     .handler = &cmd_scan, .history = "6.0.0: Added the `TYPE` subcommand."},
    {.name = "randomkey", .arity = 1, .flags = "readonly touches_arbitrary_keys", .keys = "", .categories = "keyspace",
     .tips = "request_policy:all_shards; nondeterministic_output", .group = "generic", .since = "1.0.0",
     .complexity = "O(1)", .summary = "Answers some key of the database.", .syntax = "", .handler = &cmd_randomkey},
};

}  // namespace

CommandRows scan_commands() { return kScanRows; }

}  // namespace holdfast
