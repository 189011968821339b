#include "admin/top_keys.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/help.h"
#include "admin/keyspace_walk.h"
#include "base/strings.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/task.h"
#include "keyspace/keyspace.h"
#include "keyspace/txn.h"
#include "values/value_type.h"

namespace holdfast {
namespace {

constexpr char kTopKeys[] = "topkeys";
constexpr size_t kTopKeysDefault = 10;

struct TopKeysOptions {
  size_t count = kTopKeysDefault;
  std::string type;  ///< "": any
};

/// [COUNT n], and [TYPE t] where that is taken. None: an error was replied.
std::optional<TopKeysOptions> read_top_keys_options(Args args, bool takes_type, Reply& reply) {
  TopKeysOptions options;
  for (size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
    if (args.is(i, "COUNT")) {
      auto const count = args.integer(i + 1, reply);
      if (!count) return std::nullopt;
      if (*count < 1) {
        reply.error("COUNT must be > 0");
        return std::nullopt;
      }
      options.count = static_cast<size_t>(*count);
    } else if (takes_type && args.is(i, "TYPE")) {
      options.type = to_lower(args[i + 1]);
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

/// Asks one partition after the other, and keeps the `count` best.
template <class Found>
class TopKeysTask : public Task {
 public:
  explicit TopKeysTask(size_t count) : count_(count) {}

  Progress step(TaskSlice& slice) override {
    Keyspace& keyspace = slice.session().services().keyspace;
    bool const done = walk_.step(slice, keyspace, [&](Txn& txn, Partition& partition) { look(keyspace, partition, txn); });
    if (!done) return Progress::kAgain;
    keep_best();
    slice.reply().array(found_.size());
    for (Found const& found : found_) write(found, slice.reply());
    return Progress::kDone;
  }

 protected:
  virtual void look(Keyspace& keyspace, Partition& partition, Txn& txn) = 0;
  virtual void write(Found const& found, Reply& reply) const = 0;

  void add(Found found) {
    found_.push_back(std::move(found));
    if (found_.size() >= 2 * count_ + kSlack) keep_best();
  }

 private:
  static constexpr size_t kSlack = 64;

  void keep_best() {
    size_t const kept = std::min(count_, found_.size());
    std::ranges::partial_sort(found_, found_.begin() + static_cast<std::ptrdiff_t>(kept), std::greater<>(), &Found::rank);
    found_.resize(kept);
  }

  size_t count_;
  PartitionWalk walk_;
  std::vector<Found> found_;
};

struct HotKey {
  double rank;  ///< uses per second
  int db;
  std::string name;
  uint32_t samples;
  uint32_t error;
};

class HotKeysTask final : public TopKeysTask<HotKey> {
 public:
  using TopKeysTask::TopKeysTask;

 protected:
  void look(Keyspace& keyspace, Partition& partition, Txn& txn) override {
    if (!partition.hot) return;
    for (HotKeys::Key& key : partition.hot->keys(txn.now_ms())) {
      KeyTable* const table = partition.tables[static_cast<size_t>(key.db)].get();
      if (!table || !table->find(keyspace.hash(key.name), key.name)) continue;  // it is gone
      double const rate = partition.hot->per_second(key.count, txn.now_ms());
      add({rate, key.db, std::move(key.name), key.count, key.error});
    }
  }
  void write(HotKey const& found, Reply& reply) const override {
    reply.map(5);
    reply.field("key", found.name);
    reply.field("db", found.db);
    reply.field("uses-per-second", std::llround(found.rank));
    reply.field("samples", found.samples);
    reply.field("error", found.error);
  }
};

struct BigKey {
  size_t rank;  ///< bytes
  int db;
  std::string name;
  ValueType type;
};

class BigKeysTask final : public TopKeysTask<BigKey> {
 public:
  explicit BigKeysTask(TopKeysOptions options) : TopKeysTask(options.count), type_(std::move(options.type)) {}

 protected:
  void look(Keyspace& keyspace, Partition& partition, Txn&) override {
    for (int db = 0; db < keyspace.databases(); db++) {
      KeyTable* const table = partition.tables[static_cast<size_t>(db)].get();
      if (!table) continue;
      table->for_each_big([&](Record const& record, size_t bytes) {
        if (!type_.empty() && type_name(record.type()) != type_) return;
        add({bytes, db, std::string(record.key()), record.type()});
      });
    }
  }
  void write(BigKey const& found, Reply& reply) const override {
    reply.map(4);
    reply.field("key", found.name);
    reply.field("db", found.db);
    reply.field("type", type_name(found.type));
    reply.field("bytes", found.rank);
  }

 private:
  std::string type_;
};

std::unique_ptr<Task> cmd_topkeys_hot(Session&, Args args, Reply& reply) {
  auto const options = read_top_keys_options(args, false, reply);
  if (!options) return nullptr;
  return std::make_unique<HotKeysTask>(options->count);
}

std::unique_ptr<Task> cmd_topkeys_big(Session&, Args args, Reply& reply) {
  auto options = read_top_keys_options(args, true, reply);
  if (!options) return nullptr;
  return std::make_unique<BigKeysTask>(std::move(*options));
}

constexpr CommandRow kTopKeysRows[] = {
    {.name = "topkeys", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "7.2.4", .complexity = "Depends on the subcommand.",
     .summary = "Commands about the keys that are used most and that take most.", .syntax = ""},
    {.name = "topkeys|big", .arity = -2, .flags = "admin noscript", .keys = "", .categories = "keyspace",
     .tips = "nondeterministic_output; request_policy:all_shards; response_policy:special", .group = "server",
     .since = "7.2.4", .complexity = "O(N) where N is the number of partitions",
     .summary = "Tells which values take most memory, without looking at the others.",
     .syntax = "[COUNT count:integer] [TYPE type:string]", .handler = &cmd_topkeys_big},
    {.name = "topkeys|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "7.2.4", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kTopKeys>},
    {.name = "topkeys|hot", .arity = -2, .flags = "admin noscript", .keys = "", .categories = "keyspace",
     .tips = "nondeterministic_output; request_policy:all_shards; response_policy:special", .group = "server",
     .since = "7.2.4", .complexity = "O(N) where N is the number of partitions",
     .summary = "Tells which keys are used most, by a sample of the commands.", .syntax = "[COUNT count:integer]",
     .handler = &cmd_topkeys_hot},
};

}  // namespace

CommandRows top_keys_commands() { return kTopKeysRows; }

}  // namespace holdfast
