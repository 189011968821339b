#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/number.h"
#include "disk/faulty_disk.h"
#include "keyspace/txn.h"
#include "rdb/file_reader.h"
#include "rdb/string_value.h"
#include "snapshot/persistence.h"

// What the tests of this folder share: a server's parts around a Persistence, without a server.

namespace holdfast::snapshot {

/// The system clock, moved ahead by the test.
class TestClock final : public Clock {
 public:
  int64_t unix_us() const override { return system_.unix_us() + ahead_us_.load(); }
  int64_t monotonic_us() const override { return system_.monotonic_us() + ahead_us_.load(); }
  void advance_seconds(int64_t seconds) { ahead_us_.fetch_add(seconds * 1'000'000); }

 private:
  SystemClock system_;
  std::atomic<int64_t> ahead_us_{0};
};

struct StoredValue {
  std::string text;
  std::optional<int64_t> expire_ms;
  bool operator==(StoredValue const&) const = default;
};
/// (database, key) -> value
using DataSet = std::map<std::pair<int, std::string>, StoredValue>;

/// Reads an RDB with the codec alone. A failure or a key that comes twice fails the test.
inline DataSet read_rdb(Disk& disk, std::string const& path) {
  DataSet data;
  auto file = disk.open_read(path);
  if (!file) {
    ADD_FAILURE() << path << ": " << file.error().message;
    return data;
  }
  auto source = RdbFileSource::open(**file);
  RdbFileReader reader(*source);
  for (RdbEvent event = reader.next(); event != RdbEvent::kEnd; event = reader.next()) {
    if (event == RdbEvent::kError) {
      ADD_FAILURE() << reader.error().message;
      return data;
    }
    if (event != RdbEvent::kEntry) continue;
    std::string scratch;
    ByteReader in(reader.entry().value);
    RdbStringValue const value = read_string_value(in, scratch);
    EXPECT_TRUE(in.ok());
    StoredValue stored{value.is_integer ? to_text(value.integer) : std::string(value.text), reader.entry().expire_ms};
    auto const key = std::pair(static_cast<int>(reader.entry().db), std::string(reader.entry().key));
    EXPECT_TRUE(data.emplace(key, std::move(stored)).second) << "twice: " << key.second;
  }
  return data;
}

class NoWaiter final : public Waiter {
 public:
  void wake() override {}
};

/// One thread's way to execute transactions.
class Client {
 public:
  explicit Client(Keyspace& keyspace) : keyspace_(keyspace) {}

  /// Locks the keys (all partitions for none), runs `work` and commits. Returns the offset of the commit.
  template <class Work>
  uint64_t execute(std::initializer_list<std::string_view> keys, int64_t now_ms, Work&& work) {
    return execute(std::span(keys.begin(), keys.size()), now_ms, std::forward<Work>(work));
  }
  template <class Key, class Work>
  uint64_t execute(std::span<Key> keys, int64_t now_ms, Work&& work) {
    locks_.clear();
    for (std::string_view key : keys) locks_.add_key(keyspace_, key);
    if (keys.empty()) locks_.add_all(keyspace_);
    while (locks_.lock(keyspace_, waiter_) != LockSet::Outcome::kLocked) std::this_thread::yield();
    Txn txn(keyspace_, locks_, scratch_, now_ms);
    work(txn);
    return txn.commit();
  }

  void set(int db, std::string_view key, std::string_view value, std::optional<int64_t> expire_ms = {}) {
    execute({key}, 0, [&](Txn& txn) {
      txn.select(db);
      std::string_view const words[] = {"SET", key, value};
      txn.begin_command(words);
      txn.put_string(key, value, StringForm::kAuto, expire_ms);
      if (expire_ms) {
        txn.effect({"SET", key, value});
        txn.effect({"PEXPIREAT", key, to_text(*expire_ms)});
      }
      txn.end_command();
    });
  }

 private:
  Keyspace& keyspace_;
  LockSet locks_;
  TxnScratch scratch_;
  std::shared_ptr<Waiter> waiter_ = std::make_shared<NoWaiter>();
};

/// Everything in the key space. Nobody else may use it.
inline DataSet contents(Keyspace& keyspace) {
  DataSet data;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    for (int db = 0; db < keyspace.databases(); db++) {
      KeyTable* table = keyspace.partition(i).tables[static_cast<size_t>(db)].get();
      if (!table) continue;
      table->table().for_each([&](Record* record) {
        IntegerText scratch;
        data[{db, std::string(record->key())}] = {std::string(record->text(scratch)), record->expiry()};
      });
    }
  }
  return data;
}

/// A server's parts on a disk in memory; `/data` is the working directory.
class World {
 public:
  explicit World(std::string const& settings = "", std::shared_ptr<FaultyDisk> on_disk = nullptr, log::LogOptions options = {})
      : disk(on_disk ? std::move(on_disk) : std::make_shared<FaultyDisk>()),
        logger(clock),
        config("/data"),
        keyspace({.partitions = 16, .databases = 4, .hash_seed = 7}, lazy_free) {
    static std::atomic<int> count{0};
    log_path_ = "/tmp/holdfast_snapshot_test." + std::to_string(getpid()) + "." + std::to_string(count++) + ".log";
    EXPECT_TRUE(logger.set_file(log_path_));
    static_cast<void>(disk->make_directory("/data"));
    EXPECT_TRUE(config.load_text("save \"\"\n" + settings));
    directory = std::make_unique<log::AofDirectory>(*disk, logger, log::AofLocation{.data_dir = "/data"});
    log = std::make_unique<log::Log>(*directory, clock, options);
    keyspace.attach_log(log.get());
    persistence = std::make_unique<Persistence>(Persistence::Parts{clock, logger, config, keyspace, *log, *disk});
  }
  ~World() {
    persistence->stop();
    persistence.reset();
    Status const ended = log->shutdown();
    EXPECT_TRUE(ended || power_lost);
    ::unlink(log_path_.c_str());
  }

  /// Plays worker 0 until `done`. False after a long time.
  template <class Done>
  bool drive_until(Done&& done) {
    for (int i = 0; i < 200'000; i++) {
      if (done()) return true;
      if (!persistence->slice(0, 50)) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return false;
  }
  bool drive_to_rest() {
    return drive_until([&] { return persistence->idle(); });
  }
  Status save() {
    auto const ticket = persistence->foreground_save();
    EXPECT_TRUE(ticket);
    std::optional<Status> result;
    EXPECT_TRUE(drive_until([&] { return (result = persistence->save_result(*ticket)).has_value(); }));
    return *result;
  }
  void set_config(std::string const& name, std::string const& value) {
    std::pair<std::string, std::string> const pairs[] = {{name, value}};
    ASSERT_TRUE(config.set(pairs, {.local_connection = true}));
  }
  std::string log_text() const {
    std::ostringstream text;
    text << std::ifstream(log_path_).rdbuf();
    return text.str();
  }
  bool logged(std::string_view line) const { return log_text().find(line) != std::string::npos; }

  TestClock clock;
  std::shared_ptr<FaultyDisk> disk;
  Logger logger;
  config::Config config;
  LazyFree lazy_free;
  Keyspace keyspace;
  std::unique_ptr<log::AofDirectory> directory;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<Persistence> persistence;
  /// The disk has crashed: what the log still had is lost.
  bool power_lost = false;

 private:
  std::string log_path_;
};

/// Runs the few commands that the tests log.
class Replay {
 public:
  explicit Replay(World& world) : client_(world.keyspace) {}
  Status operator()(std::span<std::string_view const> command) {
    std::string const& name = names.emplace_back(command[0]);
    if (name == "SELECT") {
      db_ = static_cast<int>(*parse_int64(command[1]));
    } else if (name == "SET") {
      client_.set(db_, command[1], command[2]);
    } else if (name == "PEXPIREAT") {
      client_.execute({command[1]}, 0, [&](Txn& txn) {
        txn.select(db_);
        txn.set_expiry(command[1], parse_int64(command[2]));
      });
    } else if (name != "MULTI" && name != "EXEC") {
      return fail("");
    }
    return {};
  }
  std::vector<std::string> names;

 private:
  Client client_;
  int db_ = 0;
};

/// A start with appendonly yes.
inline Result<Persistence::StartLoaded> start(World& world, Replay& replay) {
  return world.persistence->load_at_start(
      {.directory = world.directory.get(), .replay = [&](auto command) { return replay(command); }, .inserters = 2});
}

}  // namespace holdfast::snapshot
