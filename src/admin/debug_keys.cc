#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "admin/dataset_digest.h"
#include "admin/debug_subcommands.h"
#include "admin/keyspace_walk.h"
#include "base/number.h"
#include "command/errors.h"
#include "config/config.h"
#include "rdb/writer.h"
#include "values/type_ops.h"

// DEBUG on keys and tables. Handlers of tasks hold no locks, so these take the partition of a key when they need it.

namespace holdfast {
namespace {

uint32_t partition_of(Keyspace& keyspace, std::string_view key) { return keyspace.partition_index(keyspace.hash(key)); }

class DigestTask final : public Task {
 public:
  Progress step(TaskSlice& slice) override {
    if (!walk_.step(slice, slice.session().services().keyspace)) return Progress::kAgain;
    slice.reply().status(digest_.result().hex());
    return Progress::kDone;
  }

 private:
  DatasetDigest digest_;
  KeyspaceWalk walk_{[this](int db, Record const& record) { digest_.add(db, record); }};
};

/// Looks at one key after the other, each under the lock of its partition.
class KeysTask : public Task {
 public:
  KeysTask(Args args, size_t first) : keys_(args.span().begin() + static_cast<std::ptrdiff_t>(first), args.span().end()) {}

  Progress step(TaskSlice& slice) final {
    Session& session = slice.session();
    Keyspace& keyspace = session.services().keyspace;
    while (next_ < keys_.size()) {
      std::string const& key = keys_[next_];
      bool const seen = slice.with_partition(partition_of(keyspace, key), [&](Txn& txn) {
        txn.select(session.db());
        look(txn, key, txn.find(key, Lookup::kPeek));
      });
      if (!seen) return Progress::kAgain;
      next_++;
      if (slice.expired() && next_ < keys_.size()) return Progress::kAgain;
    }
    write_reply(slice.reply());
    return Progress::kDone;
  }

 private:
  /// `record` is null for a key that is not there.
  virtual void look(Txn& txn, std::string const& key, Record const* record) = 0;
  virtual void write_reply(Reply& reply) = 0;

  std::vector<std::string> keys_;
  size_t next_ = 0;
};

class DigestValueTask final : public KeysTask {
 public:
  using KeysTask::KeysTask;

 private:
  void look(Txn&, std::string const&, Record const* record) override {
    digests_.push_back((record ? digest_of_value(*record) : Digest()).hex());
  }
  void write_reply(Reply& reply) override {
    reply.array(digests_.size());
    for (std::string const& digest : digests_) reply.status(digest);
  }

  std::vector<std::string> digests_;
};

/// Bytes of the value in an RDB file, without its type byte.
size_t serialized_length(Record const& record) {
  std::string bytes;
  RdbWriter writer(bytes);
  ops_of(record.type()).write_rdb(record.view(), writer, {});
  return bytes.size();
}

class ObjectTask final : public KeysTask {
 public:
  using KeysTask::KeysTask;

 private:
  void look(Txn& txn, std::string const&, Record const* record) override {
    if (!record) return;
    char address[32];
    std::snprintf(address, sizeof address, "%p", static_cast<void const*>(record));
    text_ = std::string("Value at:") + address + " refcount:" + to_text(txn.keyspace().shown_refcount(*record)) + " encoding:" +
            std::string(ops_of(record->type()).encoding_name(record->view())) +
            " serializedlength:" + to_text_unsigned(serialized_length(*record)) +
            " lru:" + to_text_unsigned(record->access()) +
            " lru_seconds_idle:" + to_text_unsigned(txn.keyspace().idle_seconds(record->access()));
  }
  void write_reply(Reply& reply) override { text_.empty() ? reply.error(errors::kNoSuchKey) : reply.status(text_); }

  std::string text_;
};

/// DEBUG HTSTATS-KEY: no value is a hash table.
class NoTableTask final : public KeysTask {
 public:
  using KeysTask::KeysTask;

 private:
  void look(Txn&, std::string const&, Record const* record) override { found_ = record != nullptr; }
  void write_reply(Reply& reply) override {
    reply.error(found_ ? "The value stored at the specified key is not represented using an hash table"
                       : errors::kNoSuchKey);
  }

  bool found_ = false;
};

class PopulateTask final : public Task {
 public:
  PopulateTask(int64_t count, std::string prefix, std::optional<size_t> value_bytes)
      : count_(count), prefix_(std::move(prefix)), value_bytes_(value_bytes) {}

  Progress step(TaskSlice& slice) override {
    Session& session = slice.session();
    Keyspace& keyspace = session.services().keyspace;
    while (next_ < count_) {
      std::string const key = prefix_ + ":" + to_text(next_);
      bool const done = slice.with_partition(partition_of(keyspace, key), [&](Txn& txn) {
        txn.select(session.db());
        if (!txn.exists(key)) txn.put_string(key, value(), StringForm::kText, std::nullopt);
        txn.no_effect();
      });
      if (!done) return Progress::kAgain;
      if (++next_ < count_ && slice.expired()) return Progress::kAgain;
    }
    slice.reply().ok();
    return Progress::kDone;
  }

 private:
  /// "value:<n>", cut or filled with zero bytes to the size asked for.
  std::string value() const {
    std::string text = "value:" + to_text(next_);
    if (value_bytes_) text.resize(*value_bytes_);
    return text;
  }

  int64_t count_;
  std::string prefix_;
  std::optional<size_t> value_bytes_;
  int64_t next_ = 0;
};

class TableStatsTask final : public Task {
 public:
  explicit TableStatsTask(int db) : db_(db) {}

  Progress step(TaskSlice& slice) override {
    Keyspace& keyspace = slice.session().services().keyspace;
    bool const done = walk_.step(slice, keyspace, [this](Txn&, Partition& partition) {
      KeyTable* const table = partition.tables[static_cast<size_t>(db_)].get();
      if (!table) return;
      tables_++;
      slots_ += table->table().slot_count();
      elements_ += table->size();
      expiring_ += table->expiring();
      bytes_ += table->table().memory_bytes();
    });
    if (!done) return Progress::kAgain;
    slice.reply().verbatim("txt", text());
    return Progress::kDone;
  }

 private:
  std::string text() const {
    std::string text = "[Dictionary HT]\n";
    text += elements_ == 0 ? "No stats available for empty dictionaries\n"
                           : " tables: " + to_text_unsigned(tables_) + "\n table size: " + to_text_unsigned(slots_) +
                                 "\n number of elements: " + to_text_unsigned(elements_) +
                                 "\n table bytes: " + to_text_unsigned(bytes_) + "\n";
    // Expiries live in the records.
    text += "[Expires HT]\n";
    return text + (expiring_ == 0 ? "No stats available for empty dictionaries\n"
                                  : " number of elements: " + to_text_unsigned(expiring_) + "\n");
  }

  int db_;
  PartitionWalk walk_;
  uint64_t tables_ = 0;
  uint64_t slots_ = 0;
  uint64_t elements_ = 0;
  uint64_t expiring_ = 0;
  uint64_t bytes_ = 0;
};

constexpr std::string_view kMustBePositive = "value is out of range, must be positive";

std::optional<int64_t> not_negative(Args args, size_t index, Reply& reply) {
  auto const value = args.integer(index, reply, kMustBePositive);
  if (value && *value < 0) {
    reply.error(kMustBePositive);
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::unique_ptr<Task> debug_digest(Session&, Args, Reply&) { return std::make_unique<DigestTask>(); }
std::unique_ptr<Task> debug_digest_value(Session&, Args args, Reply&) {
  return std::make_unique<DigestValueTask>(args, 2);
}
std::unique_ptr<Task> debug_object(Session&, Args args, Reply&) { return std::make_unique<ObjectTask>(args, 2); }
std::unique_ptr<Task> debug_htstats_key(Session&, Args args, Reply&) { return std::make_unique<NoTableTask>(args, 2); }

std::unique_ptr<Task> debug_populate(Session& session, Args args, Reply& reply) {
  auto const count = not_negative(args, 2, reply);
  if (!count) return nullptr;
  std::optional<size_t> value_bytes;
  if (args.size() > 4) {
    auto const bytes = not_negative(args, 4, reply);
    if (!bytes) return nullptr;
    if (static_cast<uint64_t>(*bytes) > session.services().config.memory(config::Directive::kProtoMaxBulkLen)) {
      reply.error(errors::kStringTooLong);
      return nullptr;
    }
    if (*bytes > 0) value_bytes = static_cast<size_t>(*bytes);
  }
  return std::make_unique<PopulateTask>(*count, std::string(args.size() > 3 ? args[3] : "key"), value_bytes);
}

std::unique_ptr<Task> debug_htstats(Session& session, Args args, Reply& reply) {
  auto const db = args.integer(2, reply);
  if (!db) return nullptr;
  if (*db < 0 || *db >= session.services().keyspace.databases()) {
    reply.error("Out of range database");
    return nullptr;
  }
  return std::make_unique<TableStatsTask>(static_cast<int>(*db));
}

}  // namespace holdfast
