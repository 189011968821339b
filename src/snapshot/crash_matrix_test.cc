#include <algorithm>
#include <cstdlib>

#include "base/random.h"
#include "log/reader.h"
#include "snapshot/test_world.h"

// Power failures at any moment: of writes, rewrites, snapshots, on disks that fail as well. What a start finds afterwards must be
// the state after some write of the history, whole transactions only, and none that was promised may be missing.
// A failure prints its seed; HOLDFAST_CRASH_SEED runs that one alone.

namespace holdfast::snapshot {
namespace {

constexpr int kLives = 4;
constexpr int kKeys = 12;
constexpr int kStepsMax = 120;

/// How many histories there are of each kind.
uint64_t histories() {
  char const* effort = std::getenv("HOLDFAST_EFFORT");
  return 60 * static_cast<uint64_t>(effort ? std::max(1, std::atoi(effort)) : 1);
}

std::pair<uint64_t, uint64_t> seeds() {
  char const* only = std::getenv("HOLDFAST_CRASH_SEED");
  uint64_t const first = only ? static_cast<uint64_t>(std::atoll(only)) : 1;
  return {first, only ? first : histories()};
}

/// One transaction: sets its keys to its own number.
struct Write {
  std::vector<std::string> keys;
  std::string value;
  uint64_t offset;  ///< of the log, after it
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}
  Random& random() { return random_; }
  size_t size() const { return writes_.size(); }

  void write(World& world) {
    Write write{.keys = {}, .value = to_text(static_cast<int64_t>(writes_.size())), .offset = 0};
    size_t const count = 1 + random_.below(3);
    while (write.keys.size() < count) {
      std::string key = "key:" + to_text(static_cast<int64_t>(random_.below(kKeys)));
      if (std::ranges::find(write.keys, key) == write.keys.end()) write.keys.push_back(std::move(key));
    }
    // Some are bigger than a block of a file.
    write.value += ":" + std::string(random_.below(8) == 0 ? 5000 : random_.below(40), 'x');
    write.offset = Client(world.keyspace).execute(std::span(write.keys), 0, [&](Txn& txn) {
      for (std::string const& key : write.keys) {
        std::string_view const words[] = {"SET", key, write.value};
        txn.begin_command(words);
        txn.put_string(key, write.value, StringForm::kAuto, {});
        txn.end_command();
      }
    });
    writes_.push_back(std::move(write));
  }

  /// How many of the first writes are safe when the log is up to `offset`.
  size_t up_to(uint64_t offset) const {
    auto const end = std::ranges::find_if(writes_, [offset](Write const& write) { return write.offset > offset; });
    return static_cast<size_t>(end - writes_.begin());
  }

  /// The state after the first `count` writes.
  DataSet state(size_t count) const {
    DataSet data;
    for (size_t i = 0; i < count; i++) {
      for (std::string const& key : writes_[i].keys) data[{0, key}] = {writes_[i].value, {}};
    }
    return data;
  }

  /// The number of writes that a state shows to have been made, judged by the last of them.
  static size_t count_in(DataSet const& data) {
    size_t count = 0;
    for (auto const& [key, value] : data) count = std::max(count, static_cast<size_t>(std::atoll(value.text.c_str())) + 1);
    return count;
  }

  /// The rest did not survive.
  void keep(size_t count, uint64_t offset) {
    writes_.resize(count);
    for (Write& write : writes_) write.offset = std::min(write.offset, offset);
  }

 private:
  Random random_;
  std::vector<Write> writes_;
};

/// `found` is what a start has made of the disk: the state after at least `promised` writes. Returns after how many.
size_t expect_prefix(History const& history, DataSet const& found, size_t promised) {
  size_t const count = History::count_in(found);
  EXPECT_GE(count, promised);
  EXPECT_LE(count, history.size());
  DataSet const expected = history.state(std::min(count, history.size()));
  EXPECT_EQ(found.size(), expected.size());
  for (auto const& [key, value] : expected) {
    auto const there = found.find(key);
    EXPECT_EQ(there == found.end() ? "missing" : there->second.text, value.text)
        << key.second << " after " << count << " of " << history.size() << " writes, " << promised << " promised";
  }
  return count;
}

void add_passing_fault(FaultyDisk& disk, Random& random) {
  struct Kind {
    DiskOperation operation;
    int errnum;
    char const* path_part;
  };
  static constexpr Kind kKinds[] = {
      {DiskOperation::kAppend, ENOSPC, ".incr.aof"},     {DiskOperation::kAppend, EIO, "temp-rewriteaof"},
      {DiskOperation::kSync, EIO, "temp-rewriteaof"},    {DiskOperation::kRename, EIO, "appendonlydir"},
      {DiskOperation::kOpen, EIO, ".incr.aof"},          {DiskOperation::kSyncDirectory, EIO, "appendonlydir"},
      {DiskOperation::kAppend, EIO, ".manifest"},        {DiskOperation::kUnlink, EIO, "appendonlydir"},
  };
  Kind const& kind = kKinds[random.below(std::size(kKinds))];
  disk.add_fault({.operation = kind.operation, .nth = 1 + random.below(3), .errnum = kind.errnum, .path_part = kind.path_part,
                  .bytes_kept = random.below(30)});
}

/// A failed fsync of the log, healed by a rewrite, as an operator would.
void break_and_heal(World& world, History& history) {
  world.disk->add_fault({.operation = DiskOperation::kSync, .errnum = EIO, .path_part = ".incr.aof"});
  history.write(world);
  // Without a policy the file is synced at its end only, which a rewrite brings.
  if (world.log->policy() == log::FsyncPolicy::kNo) world.persistence->background_rewrite();
  ASSERT_TRUE(world.drive_to_rest());
  ASSERT_TRUE(world.drive_until([&] {
    if (!world.log->status().ok()) return true;
    return world.log->policy() == log::FsyncPolicy::kNo ? world.log->idle()
                                                        : world.log->durable_offset() >= world.log->appended_offset();
  }));
  world.disk->clear_faults();
  // A rewrite may fail because of the fault that was under way.
  for (int i = 0; i < 3 && !world.log->status().ok(); i++) {
    world.persistence->background_rewrite();
    ASSERT_TRUE(world.drive_to_rest());
  }
  EXPECT_TRUE(world.log->status().ok()) << world.log->status().text << world.log_text();
}

void live(World& world, History& history) {
  Random& random = history.random();
  for (uint64_t steps = 5 + random.below(kStepsMax); steps > 0; steps--) {
    uint64_t const what = random.below(100);
    if (what < 60) {
      history.write(world);
    } else if (what < 66) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(2000)));
    } else if (what < 70) {
      world.persistence->background_rewrite();
    } else if (what < 72) {
      world.persistence->background_save(false);
    } else if (what < 95) {
      for (uint64_t i = random.below(20); i > 0; i--) world.persistence->slice(0, 20);
    } else if (what < 98) {
      add_passing_fault(*world.disk, random);
    } else if (what == 98) {
      world.disk->clear_faults();
      break_and_heal(world, history);
    } else {
      world.drive_to_rest();
    }
  }
}

std::shared_ptr<FaultyDisk> disk_with_data_directory() {
  auto disk = std::make_shared<FaultyDisk>();
  EXPECT_TRUE(disk->make_directory("/data"));
  EXPECT_TRUE(disk->sync_directory("/"));
  return disk;
}

/// What an operator does about a file that a start has refused: cuts it before the first command that has a zero in it. Our
/// commands have none, so that is a block that was lost.
void cut_before_zeros(FaultyDisk& disk, std::string const& refusal) {
  auto const names = disk.list("/data/appendonlydir");
  ASSERT_TRUE(names);
  for (std::string const& name : *names) {
    if (!name.ends_with(".incr.aof")) continue;
    std::string const path = "/data/appendonlydir/" + name;
    std::string text = disk.contents(path);
    size_t const zero = text.find('\0');
    if (zero == text.npos) continue;
    EXPECT_NE(refusal.find(name), std::string::npos) << "damaged, and not named: " << name;
    auto reader = log::AofFileReader::open(disk, path);
    uint64_t sound = 0;
    for (auto item = reader->next(); item && item->end <= zero; item = reader->next()) {
      if (!reader->in_transaction()) sound = item->end;
    }
    disk.put(path, text.substr(0, sound));
  }
}

class CrashMatrix : public testing::TestWithParam<log::FsyncPolicy> {
 protected:
  void run(FaultyDisk::Loss loss);
};

void CrashMatrix::run(FaultyDisk::Loss loss) {
  auto const [first, last] = seeds();
  for (uint64_t seed = first; seed <= last && !HasFailure(); seed++) {
    SCOPED_TRACE("HOLDFAST_CRASH_SEED=" + std::to_string(seed));
    History history(seed);
    auto disk = disk_with_data_directory();
    size_t promised = 0;
    log::LogOptions options{.policy = GetParam(), .timing = {.gather_us = 200, .sync_interval_us = 2000, .retry_us = 500}};
    std::string before;  // what the life before has logged
    for (int life = 0; life <= kLives; life++) {
      SCOPED_TRACE(before);
      disk->clear_faults();
      if (life > 0) disk->crash(seed * kLives + static_cast<uint64_t>(life), loss);
      if (loss == FaultyDisk::Loss::kBlocks) {
        World attempt("appendonly yes\n", disk, options);
        Replay replay(attempt);
        if (!start(attempt, replay)) cut_before_zeros(*disk, attempt.log_text());
      }
      World world("appendonly yes\nauto-aof-rewrite-percentage 0\n", disk, options);
      Replay replay(world);
      auto const loaded = start(world, replay);
      ASSERT_TRUE(loaded) << world.log_text();
      size_t const count = expect_prefix(history, contents(world.keyspace), promised);
      history.keep(std::min(count, history.size()), world.log->appended_offset());
      if (life == kLives) break;
      live(world, history);
      before = world.log_text();
      promised = history.up_to(world.log->durable_offset());
      disk->cut_power();
      world.power_lost = true;
    }
  }
}

TEST_P(CrashMatrix, nothing_that_was_durable_is_lost_and_nothing_is_torn) { run(FaultyDisk::Loss::kTail); }

// As the file systems that write back in any order leave a file. A start that is refused names the file, and what is before the
// damage is all that was promised.
TEST_P(CrashMatrix, whatever_blocks_are_lost_of_what_was_not_durable) { run(FaultyDisk::Loss::kBlocks); }

INSTANTIATE_TEST_SUITE_P(Policies, CrashMatrix,
                         testing::Values(log::FsyncPolicy::kAlways, log::FsyncPolicy::kEverysec, log::FsyncPolicy::kNo),
                         [](auto const& tested) {
                           switch (tested.param) {
                             case log::FsyncPolicy::kAlways: return "always";
                             case log::FsyncPolicy::kEverysec: return "everysec";
                             default: return "no";
                           }
                         });

TEST(CrashMatrixOfSnapshots, the_last_snapshot_that_was_reported_survives_whole) {
  auto const [first, last] = seeds();
  for (uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE("HOLDFAST_CRASH_SEED=" + std::to_string(seed));
    History history(seed);
    Random& random = history.random();
    auto disk = disk_with_data_directory();
    size_t promised = 0;
    for (int life = 0; life <= kLives; life++) {
      disk->clear_faults();
      auto const loss = seed % 2 == 0 ? FaultyDisk::Loss::kTail : FaultyDisk::Loss::kBlocks;
      if (life > 0) disk->crash(seed * kLives + static_cast<uint64_t>(life), loss);
      World world("", disk);
      auto const loaded = world.persistence->load_at_start({.inserters = 1});
      ASSERT_TRUE(loaded) << world.log_text();
      size_t const count = expect_prefix(history, contents(world.keyspace), promised);
      promised = std::min(count, history.size());
      history.keep(promised, 0);
      if (life == kLives) break;
      std::optional<uint64_t> ticket;
      size_t in_cut = 0;
      for (uint64_t steps = 5 + random.below(kStepsMax); steps > 0; steps--) {
        uint64_t const what = random.below(100);
        if (what < 50) {
          history.write(world);
        } else if (what < 60) {
          if (ticket) continue;
          in_cut = history.size();
          ticket = world.persistence->foreground_save();
        } else if (what < 95) {
          for (uint64_t i = random.below(20); i > 0; i--) world.persistence->slice(0, 20);
          std::this_thread::sleep_for(std::chrono::microseconds(random.below(300)));
        } else {
          static constexpr DiskOperation kFailing[] = {DiskOperation::kOpen,   DiskOperation::kAppend, DiskOperation::kSync,
                                                       DiskOperation::kRename, DiskOperation::kSyncDirectory};
          disk->add_fault({.operation = kFailing[random.below(std::size(kFailing))], .nth = 1 + random.below(2),
                           .errnum = random.below(2) ? ENOSPC : EIO, .path_part = "/data", .bytes_kept = random.below(50)});
        }
        if (!ticket) continue;
        if (auto const result = world.persistence->save_result(*ticket)) {
          if (*result) promised = std::max(promised, in_cut);
          ticket.reset();
        }
      }
      disk->cut_power();
      world.power_lost = true;
    }
  }
}

}  // namespace
}  // namespace holdfast::snapshot
