#include "snapshot/cut.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>

#include "base/random.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/test_world.h"

namespace holdfast::snapshot {
namespace {

constexpr int kDatabases = 3;
constexpr int kAccounts = 64;
constexpr int64_t kStartBalance = 1000;
#ifdef HOLDFAST_SANITIZED
constexpr int kScale = 1;
#else
constexpr int kScale = 4;
#endif

/// One thing that a writer did. `seq` was drawn while its locks were held, so operations that meet each other are in
/// order.
struct Operation {
  enum class Kind { kSet, kDelete, kExpire, kAppend, kIncrement, kTransfer, kFlush, kFlushAll, kSwap };
  uint64_t seq = 0;
  Kind kind = Kind::kSet;
  int db = 0;
  std::string key;
  std::string value;
  int64_t number = 0;
};

/// What the operations make of a data set, one after the other.
class Model {
 public:
  void apply(Operation const& op) {
    using Kind = Operation::Kind;
    auto& db = databases_[static_cast<size_t>(op.db)];
    switch (op.kind) {
      case Kind::kSet:
        db[op.key] = {op.value, std::nullopt};
        break;
      case Kind::kDelete:
        db.erase(op.key);
        break;
      case Kind::kExpire:
        if (db.contains(op.key)) db[op.key].expire_ms = op.number;
        break;
      case Kind::kAppend:
        db[op.key].text += op.value;
        break;
      case Kind::kIncrement:
        db[op.key].text = to_text(op.number);
        break;
      case Kind::kTransfer: {
        add(db, op.key, -op.number);
        add(db, op.value, op.number);
        break;
      }
      case Kind::kFlush:
        db.clear();
        break;
      case Kind::kFlushAll:
        for (auto& each : databases_) each.clear();
        break;
      case Kind::kSwap:
        std::swap(db, databases_[static_cast<size_t>(op.number)]);
        break;
    }
  }
  DataSet data() const {
    DataSet all;
    for (int db = 0; db < kDatabases; db++) {
      for (auto const& [key, value] : databases_[static_cast<size_t>(db)]) all[{db, key}] = value;
    }
    return all;
  }

 private:
  using Database = std::map<std::string, StoredValue>;
  static void add(Database& db, std::string const& key, int64_t amount) {
    StoredValue& value = db[key];
    value.text = to_text(parse_int64(value.text).value_or(0) + amount);
  }
  std::array<Database, kDatabases> databases_;
};

int64_t balance_of(Txn& txn, std::string_view key) {
  Record* record = txn.find(key, Lookup::kPeek);
  return record ? record->integer() : 0;
}

/// A worker: writes, and walks between its writes as a loop does.
class Writer {
 public:
  Writer(Keyspace& keyspace, Cut& cut, std::atomic<uint64_t>& seq, int number, uint64_t seed, bool globals)
      : cut_(cut), seq_(seq), number_(number), globals_(globals), random_(seed), client_(keyspace) {}

  void run(int operations) {
    for (int i = 0; i < operations; i++) {
      one();
      cut_.walk(number_, 20);
    }
  }
  void walk_until_done() {
    while (!cut_.walked()) {
      if (!cut_.walk(number_, 50)) std::this_thread::yield();
    }
  }

  std::vector<Operation> history;

 private:
  void one() {
    uint64_t const dice = random_.below(1000);
    Operation op{.db = static_cast<int>(random_.below(kDatabases))};
    op.key = "key:" + to_text(static_cast<int64_t>(random_.below(3000)));
    using Kind = Operation::Kind;
    if (dice < 2 && globals_) {
      global(op, dice == 0 ? Kind::kFlush : Kind::kFlushAll);
    } else if (dice < 8 && globals_) {
      op.number = static_cast<int64_t>(random_.below(kDatabases));
      global(op, Kind::kSwap);
    } else if (dice < 150) {
      transfer(op);
    } else {
      op.kind = dice < 550   ? Kind::kSet
                : dice < 700 ? Kind::kDelete
                : dice < 800 ? Kind::kExpire
                : dice < 900 ? Kind::kAppend
                             : Kind::kIncrement;
      single(op);
    }
  }

  void record(Operation& op) {
    op.seq = seq_.fetch_add(1);
    history.push_back(op);
  }

  void global(Operation op, Operation::Kind kind) {
    op.kind = kind;
    client_.execute({}, 0, [&](Txn& txn) {
      record(op);
      if (kind == Operation::Kind::kSwap) {
        txn.swap_databases(op.db, static_cast<int>(op.number));
      } else {
        txn.flush(kind == Operation::Kind::kFlush ? op.db : -1);
      }
    });
  }

  void transfer(Operation op) {
    op.kind = Operation::Kind::kTransfer;
    op.key = "account:" + to_text(static_cast<int64_t>(random_.below(kAccounts)));
    op.value = "account:" + to_text(static_cast<int64_t>(random_.below(kAccounts)));
    op.number = static_cast<int64_t>(random_.below(50));
    client_.execute({op.key, op.value}, 0, [&](Txn& txn) {
      record(op);
      txn.select(op.db);
      txn.put_integer(op.key, balance_of(txn, op.key) - op.number, true);
      txn.put_integer(op.value, balance_of(txn, op.value) + op.number, true);
    });
  }

  void single(Operation op) {
    using Kind = Operation::Kind;
    client_.execute({op.key}, 0, [&](Txn& txn) {
      txn.select(op.db);
      Record* old = txn.find(op.key, Lookup::kPeek);
      switch (op.kind) {
        case Kind::kSet:
          op.value = value();
          txn.put_string(op.key, op.value, StringForm::kAuto, std::nullopt);
          break;
        case Kind::kDelete:
          txn.remove(op.key);
          break;
        case Kind::kExpire:
          op.number = int64_t{4'000'000'000'000} + static_cast<int64_t>(random_.below(1000));
          if (old) txn.set_expiry(op.key, op.number);
          break;
        case Kind::kAppend:
          op.value = random_.hex(1 + random_.below(30));
          txn.write_range(op.key, old ? old->text_length() : 0, op.value);
          break;
        default:
          op.number = static_cast<int64_t>(random_.below(100000));
          txn.put_integer(op.key, op.number, true);
          break;
      }
      record(op);
    });
  }

  std::string value() {
    uint64_t const dice = random_.below(100);
    if (dice == 0) return std::string(kSharedBytesMin + random_.below(5000), 'b') + random_.hex(64);
    if (dice < 5) return random_.hex(600 + random_.below(3000));
    if (dice < 30) return to_text(static_cast<int64_t>(random_.below(1u << 20)));
    return random_.hex(random_.below(100));
  }

  Cut& cut_;
  std::atomic<uint64_t>& seq_;
  int number_;
  bool globals_;
  Random random_;
  Client client_;
};

/// Consumes the queue into a file, as the file thread does.
Status write_all(BlockQueue& queue, Disk& disk, std::string const& path, Cut& cut) {
  auto file = SnapshotFile::create(disk, path, {});
  Status status;
  bool headed = false;
  while (BlockPtr block = queue.pop()) {
    if (!std::exchange(headed, true)) status = file->write_header({}, cut.facts());
    if (status) status = file->write_block(*block);
    queue.give_back(std::move(block));
  }
  if (status && !headed) status = file->write_header({}, cut.facts());
  return status ? file->finish() : status;
}

struct Scene {
  explicit Scene(uint64_t seed) : random(seed) { static_cast<void>(disk.make_directory("/data")); }

  SystemClock clock;
  FaultyDisk disk;
  LazyFree lazy_free;
  Keyspace keyspace{{.partitions = 16, .databases = kDatabases, .hash_seed = 1}, lazy_free};
  BlockQueue queue;
  Cut cut{keyspace, clock, queue};
  std::atomic<uint64_t> seq{1};
  Random random;
};

/// The state at the cut is what exactly the operations before it made, whatever was done while it was walked.
void check_cuts(uint64_t seed, bool globals) {
  constexpr int kWriters = 3;
  Scene scene(seed);
  Model model;
  Client setup(scene.keyspace);
  std::vector<Operation> pending;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; i++) {
    writers.push_back(std::make_unique<Writer>(scene.keyspace, scene.cut, scene.seq, i, scene.random.next(), globals));
  }
  for (int db = 0; db < kDatabases; db++) {
    for (int i = 0; i < kAccounts; i++) {
      Operation op{
          .kind = Operation::Kind::kIncrement, .db = db, .key = "account:" + to_text(i), .number = kStartBalance};
      setup.execute({op.key}, 0, [&](Txn& txn) {
        txn.select(db);
        txn.put_integer(op.key, op.number);
      });
      model.apply(op);
    }
  }

  for (int round = 0; round < 6 * kScale; round++) {
    uint64_t cut_seq = 0;
    std::vector<std::thread> threads;
    for (int i = 1; i < kWriters; i++) {
      threads.emplace_back([&, i] {
        writers[static_cast<size_t>(i)]->run(1500);
        writers[static_cast<size_t>(i)]->walk_until_done();
      });
    }
    writers[0]->run(static_cast<int>(scene.random.below(300)));
    while (!scene.cut.try_begin({}, [&] { cut_seq = scene.seq.load(); })) std::this_thread::yield();
    std::string const path = "/data/" + to_text(round) + ".rdb";
    Status written;
    std::thread file([&] { written = write_all(scene.queue, scene.disk, path, scene.cut); });
    writers[0]->run(500);
    writers[0]->walk_until_done();
    while (!scene.cut.try_end()) std::this_thread::yield();
    scene.queue.close();
    file.join();
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(written);
    scene.queue.reset();

    for (auto& writer : writers) {
      pending.insert(pending.end(), writer->history.begin(), writer->history.end());
      writer->history.clear();
    }
    std::sort(pending.begin(), pending.end(), [](auto const& a, auto const& b) { return a.seq < b.seq; });
    auto const after = std::find_if(pending.begin(), pending.end(), [&](auto const& op) { return op.seq >= cut_seq; });
    for (auto op = pending.begin(); op != after; ++op) model.apply(*op);
    pending.erase(pending.begin(), after);
    DataSet const saved = read_rdb(scene.disk, path);
    DataSet const expected = model.data();
    ASSERT_EQ(saved.size(), expected.size()) << "seed " << seed << " round " << round;
    ASSERT_TRUE(saved == expected) << "seed " << seed << " round " << round;
    EXPECT_EQ(scene.cut.facts().keys, expected.size());
    if (!globals) {
      int64_t sum = 0;
      for (auto const& [key, value] : saved) {
        if (key.second.starts_with("account:")) sum += *parse_int64(value.text);
      }
      EXPECT_EQ(sum, kDatabases * kAccounts * kStartBalance);
    }
  }
  // The key space itself is what all operations made.
  for (Operation const& op : pending) model.apply(op);
  EXPECT_TRUE(contents(scene.keyspace) == model.data());
}

TEST(Cut, IsOneMomentOfWritersThatGoOn) {
  for (uint64_t seed : {11u, 12u, 13u}) check_cuts(seed, false);
}

TEST(Cut, SurvivesFlushesAndSwapsOfDatabases) {
  for (uint64_t seed : {21u, 22u, 23u}) check_cuts(seed, true);
}

TEST(Cut, MoreCutsThanThereAreEpochs) {
  Scene scene(1);
  Client client(scene.keyspace);
  for (int round = 0; round < 70; round++) {
    std::string const key = "k" + to_text(round);
    client.set(0, key, "v");
    ASSERT_TRUE(scene.cut.try_begin({}, [] {}));
    bool const given_up = round % 3 == 0;
    if (given_up) scene.cut.discard();
    client.set(0, key, "changed while the cut runs");
    while (!scene.cut.walked()) scene.cut.walk(0, 1000);
    ASSERT_TRUE(scene.cut.try_end());
    scene.queue.close();
    uint64_t keys = 0;
    while (BlockPtr block = scene.queue.pop()) {
      keys += block->keys;
      scene.queue.give_back(std::move(block));
    }
    EXPECT_EQ(keys, given_up ? 0u : static_cast<uint64_t>(round) + 1);
    scene.queue.reset();
  }
}

TEST(Cut, TheWalkPausesWhileTheDiskIsSlowAndMemoryStaysBounded) {
  Scene scene(1);
  Client client(scene.keyspace);
  std::string const value(4000, 'v');
  for (int i = 0; i < 5000; i++) client.set(0, "key:" + to_text(i), value + to_text(i));
  std::atomic<int> reliefs{0};
  scene.queue.on_relief([&] { reliefs++; });
  ASSERT_TRUE(scene.cut.try_begin({.compress = false}, [] {}));
  while (!scene.queue.congested()) scene.cut.walk(0, 1000);
  EXPECT_FALSE(scene.cut.walk(0, 1000));
  EXPECT_FALSE(scene.cut.walked());
  // What a walker had in hand may come on top: the last bucket.
  EXPECT_LE(scene.queue.peak_bytes(), kQueueBytesMax + 2 * kBlockBytes);

  uint64_t keys = 0;
  std::thread file([&] {
    while (BlockPtr block = scene.queue.pop()) {
      keys += block->keys;
      scene.queue.give_back(std::move(block));
    }
  });
  while (!scene.cut.walked()) scene.cut.walk(0, 1000);
  ASSERT_TRUE(scene.cut.try_end());
  scene.queue.close();
  file.join();
  EXPECT_EQ(keys, 5000u);
  EXPECT_GE(reliefs.load(), 1);
  EXPECT_LE(scene.queue.peak_bytes(), kQueueBytesMax + 2 * kBlockBytes);
}

TEST(Cut, FlushedTablesAreSavedAndThenFreed) {
  Scene scene(1);
  Client client(scene.keyspace);
  for (int i = 0; i < 3000; i++) client.set(i % 2, "key:" + to_text(i), "value");
  ASSERT_TRUE(scene.cut.try_begin({}, [] {}));
  client.execute({}, 0, [](Txn& txn) { txn.flush(-1); });
  EXPECT_EQ(contents(scene.keyspace).size(), 0u);
  while (!scene.cut.walked()) scene.cut.walk(0, 1000);
  ASSERT_TRUE(scene.cut.try_end());
  scene.queue.close();
  uint64_t keys = 0;
  while (BlockPtr block = scene.queue.pop()) {
    keys += block->keys;
    scene.queue.give_back(std::move(block));
  }
  EXPECT_EQ(keys, 3000u);
  while (scene.lazy_free.pending() != 0) std::this_thread::yield();
  EXPECT_EQ(scene.keyspace.page_bytes(), 0u);
}

TEST(Cut, ALockedPartitionDelaysTheBeginAndKeepsTheLane) {
  Scene scene(1);
  Client client(scene.keyspace);
  client.execute({"some key"}, 0, [&](Txn&) {
    EXPECT_FALSE(scene.cut.try_begin({}, [] {}));
    EXPECT_FALSE(scene.cut.try_begin({}, [] {}));
  });
  ASSERT_TRUE(scene.cut.try_begin({}, [] {}));
  while (!scene.cut.walked()) scene.cut.walk(0, 1000);
  // Given up half-way, everything is free again.
  client.execute({"some key"}, 0, [&](Txn&) {
    EXPECT_FALSE(scene.cut.try_end());
    scene.cut.abandon();
  });
  client.execute({}, 0, [](Txn&) {});
  ASSERT_TRUE(scene.cut.try_end());
  scene.queue.close();
}

}  // namespace
}  // namespace holdfast::snapshot
