#include "log/log.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <set>
#include <thread>

#include "disk/faulty_disk.h"
#include "log/reader.h"
#include "log/test_command.h"

namespace holdfast::log {
namespace {

constexpr char const* kDir = "/data/appendonlydir/";

/// Waits for what another thread will do; the limit is only for the case that it never does.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 20'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// Stands still unless told.
class ManualClock final : public Clock {
 public:
  int64_t unix_us() const override { return now_us_; }
  int64_t monotonic_us() const override { return now_us_; }
  void advance_ms(int64_t ms) { now_us_ += ms * 1000; }

 private:
  std::atomic<int64_t> now_us_{1'700'000'000'000'000};
};

class LogTest : public testing::Test {
 protected:
  LogTest() {
    EXPECT_TRUE(logger_.set_file("/dev/null"));
    EXPECT_TRUE(disk_.make_directory("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
    make_log({});
  }

  /// A log on what the disk has; nothing is started.
  void make_log(LogOptions options) {
    options.timing = {.gather_us = 200, .sync_interval_us = 2000, .retry_us = 2000};
    log_.reset();
    directory_ = std::make_unique<AofDirectory>(disk_, logger_, AofLocation{.data_dir = "/data"});
    log_ = std::make_unique<Log>(*directory_, clock_, options);
  }

  void start() {
    auto const plan = plan_recovery(*directory_);
    ASSERT_TRUE(plan.has_value());
    if (plan->no_files()) {
      disk_.put("/data/temp.rdb", "");
      ASSERT_TRUE(log_->commit_base("/data/temp.rdb", BaseFormat::kRdb, true));
    }
    ASSERT_TRUE(log_->start(*plan));
  }

  std::string file(std::string const& name) { return disk_.contents(kDir + name); }
  /// Its lines, without the checksum before them, which is right.
  std::string manifest() {
    std::string const text = file("appendonly.aof.manifest");
    EXPECT_TRUE(Manifest::parse(text).has_value());
    EXPECT_TRUE(text.starts_with(kManifestChecksumMark));
    return text.substr(text.find('\n') + 1);
  }
  bool written() {
    return eventually([&] { return log_->written_offset() == log_->appended_offset(); });
  }
  bool durable() {
    return eventually([&] { return log_->durable_offset() == log_->appended_offset(); });
  }
  void put_base() { disk_.put("/data/temp-base.rdb", "base"); }

  FaultyDisk disk_;
  SystemClock clock_;
  Logger logger_{clock_};
  std::unique_ptr<AofDirectory> directory_;
  std::unique_ptr<Log> log_;
  std::string const set_ = command({"set", "a", "1"});
  std::string const select_ = command({"SELECT", "0"});
};

TEST_F(LogTest, FirstStartMakesBaseIncrementAndManifest) {
  EXPECT_FALSE(log_->active());
  start();
  EXPECT_TRUE(log_->active());
  EXPECT_EQ(manifest(), "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  uint64_t const end = log_->append(0, set_, 1);
  EXPECT_EQ(end, select_.size() + set_.size());
  ASSERT_TRUE(written());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_);
  EXPECT_TRUE(log_->shutdown());
  EXPECT_EQ(log_->durable_offset(), end);
}

TEST_F(LogTest, NothingIsAppendedWhileOff) {
  EXPECT_EQ(log_->append(0, set_, 1), 0u);
  EXPECT_TRUE(log_->shutdown());
}

TEST_F(LogTest, SecondStartContinuesTheLastIncrement) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(log_->shutdown());
  uint64_t const offset = log_->appended_offset();

  make_log({.start_offset = offset});
  start();
  EXPECT_EQ(log_->sizes().base_bytes, 0u);
  log_->append(0, set_, 1);
  ASSERT_TRUE(log_->shutdown());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_ + select_ + set_);
  auto const index = read_sidecar(disk_, std::string(kDir) + "appendonly.aof.1.incr.aof.idx");
  ASSERT_TRUE(index && *index);
  EXPECT_EQ((*index)->covered_offset(), 2 * offset);
  auto const verified = verify_increment(disk_, std::string(kDir) + "appendonly.aof.1.incr.aof", **index);
  ASSERT_TRUE(verified.has_value());
  EXPECT_TRUE(verified->ok);
  EXPECT_EQ(verified->verified_up_to, 2 * offset);
}

TEST_F(LogTest, AlwaysMakesEveryAppendDurableAndTells) {
  make_log({.policy = FsyncPolicy::kAlways});
  std::atomic<uint64_t> told{0};
  log_->on_durable([&](uint64_t offset) { told = offset; });
  start();
  for (int i = 0; i < 100; ++i) log_->append(0, set_, 1);
  ASSERT_TRUE(durable());
  EXPECT_TRUE(eventually([&] { return told == log_->appended_offset(); }));
}

TEST_F(LogTest, EverysecSyncsWithoutAnotherAppend) {
  start();
  log_->append(0, set_, 1);
  EXPECT_TRUE(durable());
}

TEST_F(LogTest, WritesGoOnBesideASlowFsyncAndAreCounted) {
  ManualClock clock;
  std::atomic<bool> stuck{true};
  log_ = std::make_unique<Log>(*directory_, clock, LogOptions{});
  // Also when the test fails half-way: the log must not outlive what it refers to here.
  auto const release = [&](void*) {
    stuck = false;
    stuck.notify_all();
    log_.reset();
  };
  std::unique_ptr<void, decltype(release)> const at_end(this, release);
  // What holds the fsync thread up is here the listener that it calls.
  log_->on_durable([&](uint64_t) { stuck.wait(true); });
  start();
  clock.advance_ms(1000);
  log_->append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return log_->durable_offset() > 0 && log_->sizes().pending_syncs == 1; }));

  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(log_->sizes().delayed_syncs, 0u);
  clock.advance_ms(2500);
  for (int i = 0; i < 3; ++i) {
    log_->append(0, set_, 1);
    ASSERT_TRUE(written());
  }
  EXPECT_EQ(log_->sizes().delayed_syncs, 1u);
  clock.advance_ms(2500);
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(log_->sizes().delayed_syncs, 2u);
  EXPECT_LT(log_->durable_offset(), log_->appended_offset());
  stuck = false;
  stuck.notify_all();
  EXPECT_TRUE(durable());
  ASSERT_TRUE(log_->shutdown());
}

TEST_F(LogTest, PolicyNoNeverSyncsUntilItIsChanged) {
  make_log({.policy = FsyncPolicy::kNo});
  std::atomic<uint64_t> told_written{0};
  log_->on_written([&](uint64_t offset) { told_written = offset; });
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return told_written == log_->appended_offset(); }));
  EXPECT_EQ(log_->durable_offset(), 0u);
  log_->set_policy(FsyncPolicy::kAlways);
  EXPECT_TRUE(durable());
  log_->append(0, set_, 1);
  EXPECT_TRUE(durable());
  // Who waits for an fsync when the policy is taken away gets a last one.
  log_->set_policy(FsyncPolicy::kEverysec);
  log_->set_sync_paused(true);
  log_->append(0, set_, 1);
  log_->set_policy(FsyncPolicy::kNo);
  EXPECT_TRUE(durable());
}

TEST_F(LogTest, ConcurrentAppendsKeepEveryThreadsOrder) {
  constexpr int kThreads = 4;
  constexpr int kUnits = 3000;
  start();
  std::vector<std::vector<uint64_t>> ends(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kUnits; ++i) {
          std::string const unit = command({std::to_string(t), std::to_string(i)});
          ends[t].push_back(log_->append(t % 2, unit, 1));
        }
      });
    }
  }
  ASSERT_TRUE(log_->shutdown());

  auto reader = AofFileReader::open(disk_, std::string(kDir) + "appendonly.aof.1.incr.aof");
  ASSERT_TRUE(reader.has_value());
  std::vector<int> next(kThreads, 0);
  std::string db = "none";
  for (auto item = reader->next(); item && item->kind != AofItem::Kind::kEnd; item = reader->next()) {
    if (item->argv[0] == "SELECT") {
      EXPECT_NE(item->argv[1], db);
      db = item->argv[1];
      continue;
    }
    int const t = std::stoi(std::string(item->argv[0]));
    ASSERT_EQ(item->argv[1], std::to_string(next[t]));
    ASSERT_EQ(db, std::to_string(t % 2));
    ASSERT_EQ(ends[t][next[t]], item->end);  // no annotations: stream offset and file position are the same
    ++next[t];
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kUnits));
  EXPECT_EQ(reader->position(), log_->appended_offset());
}

TEST_F(LogTest, FullDiskKeepsWholeUnitsAndRecoversWithSpace) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(durable());
  std::string const before = file("appendonly.aof.1.incr.aof");
  disk_.set_space(1000);
  std::string const large = command({"set", "b", std::string(5000, 'x')});
  log_->append(0, large, 1);
  ASSERT_TRUE(eventually([&] { return log_->status().kind == LogHealth::kWriteError; }));
  EXPECT_EQ(log_->status().errnum, ENOSPC);
  EXPECT_EQ(log_->status().text, std::strerror(ENOSPC));
  log_->append(0, set_, 1);
  // The partial write is taken back while the retries go on; each of them may be seen for a moment.
  EXPECT_TRUE(eventually([&] { return file("appendonly.aof.1.incr.aof") == before; }));
  EXPECT_LT(log_->written_offset(), log_->appended_offset());

  disk_.set_space(UINT64_MAX);
  ASSERT_TRUE(written());
  EXPECT_TRUE(eventually([&] { return log_->status().ok(); }));
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), before + large + set_);
}

TEST_F(LogTest, ShortWriteIsWrittenOnceAfterTheRetry) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());  // the index has its header: the next append is to the increment
  uint64_t const appends = disk_.calls(DiskOperation::kAppend);
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = EIO, .path_part = "incr.aof", .bytes_kept = 7});
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_GE(disk_.calls(DiskOperation::kAppend), appends + 2);
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_ + set_);
}

TEST_F(LogTest, ShortWriteThatCannotBeTakenBackIsContinued) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  disk_.add_fault({.operation = DiskOperation::kTruncate, .errnum = EPERM, .path_part = "incr.aof", .forever = true});
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = EIO, .path_part = "incr.aof", .bytes_kept = 7});
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_ + set_ + set_);
  ASSERT_TRUE(log_->shutdown());
  auto const index = read_sidecar(disk_, std::string(kDir) + "appendonly.aof.1.incr.aof.idx");
  ASSERT_TRUE(index && *index);
  EXPECT_TRUE(verify_increment(disk_, std::string(kDir) + "appendonly.aof.1.incr.aof", **index)->ok);
  EXPECT_EQ((*index)->covered_position(), log_->appended_offset());
}

TEST_F(LogTest, FailedFsyncStopsDurabilityUntilANewBase) {
  make_log({.policy = FsyncPolicy::kAlways});
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(durable());
  uint64_t const safe = log_->durable_offset();
  disk_.add_fault({.operation = DiskOperation::kSync, .errnum = EIO, .path_part = "1.incr.aof"});
  log_->append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return log_->status().kind == LogHealth::kFsyncFailed; }));
  EXPECT_EQ(log_->status().text, std::strerror(EIO));
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(log_->durable_offset(), safe);  // later fsyncs of this file would succeed and mean nothing

  // A cut that is given up does not help either, though its own file is sound.
  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  log_->abandon_cut();
  EXPECT_EQ(log_->durable_offset(), safe);
  EXPECT_EQ(log_->status().kind, LogHealth::kFsyncFailed);

  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(log_->durable_offset(), safe);
  put_base();
  ASSERT_TRUE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kRdb));
  EXPECT_TRUE(log_->status().ok());
  EXPECT_TRUE(durable());
}

TEST_F(LogTest, OldFileThatCannotBeWrittenIsReplacedByTheCut) {
  start();
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = EIO, .path_part = "1.incr.aof", .forever = true});
  log_->append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return !log_->status().ok(); }));
  ASSERT_TRUE(log_->prepare_increment());
  uint64_t const cut = log_->switch_increment();
  EXPECT_EQ(cut, log_->appended_offset());
  log_->append(0, set_, 1);
  put_base();
  ASSERT_TRUE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kRdb));
  ASSERT_TRUE(durable());
  EXPECT_TRUE(log_->status().ok());
  EXPECT_EQ(file("appendonly.aof.2.incr.aof"), select_ + set_);
  EXPECT_EQ(manifest(), "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
}

TEST_F(LogTest, CommittedCutReplacesBaseAndOldIncrements) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(log_->prepare_increment());
  EXPECT_EQ(manifest(),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
            "file appendonly.aof.2.incr.aof seq 2 type i\n");
  log_->append(0, set_, 1);  // between: still the old file
  uint64_t const cut = log_->switch_increment();
  EXPECT_EQ(cut, log_->appended_offset());
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_ + set_);
  EXPECT_EQ(file("appendonly.aof.2.incr.aof"), select_ + set_);
  EXPECT_EQ(log_->sizes().current_bytes, 2 * select_.size() + 3 * set_.size());

  put_base();
  ASSERT_TRUE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kResp));
  EXPECT_EQ(manifest(), "file appendonly.aof.2.base.aof seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_EQ(*disk_.list("/data/appendonlydir"),
            (std::vector<std::string>{"appendonly.aof.2.base.aof", "appendonly.aof.2.incr.aof",
                                      "appendonly.aof.2.incr.aof.idx", "appendonly.aof.manifest"}));
  EXPECT_EQ(log_->sizes().current_bytes, 4 + select_.size() + set_.size());
  EXPECT_EQ(log_->sizes().base_bytes, 4 + select_.size() + set_.size());
}

TEST_F(LogTest, AbandonedCutLeavesALoadableManifest) {
  start();
  ASSERT_TRUE(log_->prepare_increment());
  log_->abandon_cut();  // never used: must not stay behind the file that is in use
  EXPECT_EQ(manifest(), "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  log_->abandon_cut();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("appendonly.aof.2.incr.aof"), select_ + set_);
  EXPECT_EQ(plan_recovery(*directory_)->parts.size(), 3u);
}

TEST_F(LogTest, FailedPrepareChangesNothing) {
  start();
  std::string const before = manifest();
  disk_.add_fault({.operation = DiskOperation::kRename, .errnum = EIO});
  EXPECT_FALSE(log_->prepare_increment());
  EXPECT_EQ(manifest(), before);
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_);
  EXPECT_TRUE(log_->prepare_increment());
}

TEST_F(LogTest, FailedCommitKeepsTheOldFiles) {
  start();
  log_->append(0, set_, 1);
  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  put_base();
  disk_.add_fault({.operation = DiskOperation::kRename, .errnum = EIO, .path_part = "manifest"});
  EXPECT_FALSE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kRdb));
  log_->abandon_cut();
  auto const plan = plan_recovery(*directory_);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->parts.size(), 3u);
  EXPECT_EQ(plan->parts[0].name, "appendonly.aof.1.base.rdb");
}

TEST_F(LogTest, SwitchUnderLoadLosesNothing) {
  constexpr int kThreads = 3;
  constexpr int kCuts = 12;
  start();
  std::atomic<bool> stop{false};
  std::vector<int> counts(kThreads, 0);
  std::vector<uint64_t> cuts;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (; !stop; ++counts[t]) log_->append(0, command({std::to_string(t), std::to_string(counts[t])}), 1);
      });
    }
    while (cuts.size() < kCuts) {
      Status const prepared = log_->prepare_increment();
      if (!prepared) {
        ASSERT_EQ(prepared.error().errnum, EBUSY);
        continue;
      }
      cuts.push_back(log_->switch_increment());
      log_->abandon_cut();  // so that all increments stay
    }
    stop = true;
  }
  ASSERT_TRUE(log_->shutdown());

  std::vector<int> next(kThreads, 0);
  uint64_t offset = 0;
  for (int seq = 1; seq <= kCuts + 1; ++seq) {
    std::string const path = kDir + ("appendonly.aof." + std::to_string(seq) + ".incr.aof");
    auto reader = AofFileReader::open(disk_, path);
    ASSERT_TRUE(reader.has_value());
    bool first = true;
    for (;; first = false) {
      auto const item = reader->next();
      ASSERT_TRUE(item.has_value());
      if (item->kind == AofItem::Kind::kEnd) break;
      ASSERT_EQ(item->argv[0] == "SELECT", first);
      if (first) continue;
      int const t = std::stoi(std::string(item->argv[0]));
      ASSERT_EQ(item->argv[1], std::to_string(next[t]++));
    }
    offset += reader->file_size();
    if (seq <= kCuts) {
      EXPECT_EQ(offset, cuts[seq - 1]);
    }
    auto const index = read_sidecar(disk_, path + ".idx");
    ASSERT_TRUE(index && *index);
    EXPECT_EQ((*index)->covered_offset(), offset);
    EXPECT_EQ((*index)->covered_position(), reader->file_size());
  }
  EXPECT_EQ(next, counts);
  EXPECT_EQ(offset, log_->appended_offset());
}

TEST_F(LogTest, SwitchedOnAtRunTimeByTheFirstBase) {
  // Files of an earlier AOF are there and are replaced.
  start();
  log_->append(0, set_, 1);
  log_->turn_off();
  EXPECT_FALSE(log_->active());
  ASSERT_TRUE(eventually([&] { return log_->idle(); }));
  EXPECT_EQ(log_->append(0, set_, 1), log_->appended_offset());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_);
  uint64_t const offset = log_->appended_offset();
  EXPECT_EQ(log_->durable_offset(), offset);

  ASSERT_TRUE(log_->prepare_increment());
  EXPECT_FALSE(log_->active());
  EXPECT_EQ(log_->switch_increment(), offset);
  EXPECT_EQ(log_->state(), LogState::kWaitBase);
  EXPECT_TRUE(log_->active());
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("temp-appendonly.aof.incr"), select_ + set_);
  put_base();
  ASSERT_TRUE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kRdb));
  EXPECT_EQ(log_->state(), LogState::kOn);
  log_->append(0, set_, 1);
  ASSERT_TRUE(log_->shutdown());
  EXPECT_EQ(file("appendonly.aof.2.incr.aof"), select_ + set_ + set_);
  EXPECT_EQ(manifest(), "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  EXPECT_EQ(*disk_.list("/data/appendonlydir"),
            (std::vector<std::string>{"appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof",
                                      "appendonly.aof.2.incr.aof.idx", "appendonly.aof.manifest"}));
}

TEST_F(LogTest, AbandonedSwitchOnIsOffAgain) {
  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  log_->append(0, set_, 1);
  log_->abandon_cut();
  EXPECT_EQ(log_->state(), LogState::kOff);
  EXPECT_FALSE(log_->active());
  ASSERT_TRUE(eventually([&] { return log_->idle(); }));
  EXPECT_FALSE(*disk_.exists(std::string(kDir) + "temp-appendonly.aof.incr"));
  // And it can be tried again; what is appended then is not mistaken for what was discarded.
  ASSERT_TRUE(log_->prepare_increment());
  log_->switch_increment();
  log_->append(0, set_, 1);
  ASSERT_TRUE(written());
  EXPECT_EQ(file("temp-appendonly.aof.incr"), select_ + set_);
  log_->abandon_cut();
}

TEST_F(LogTest, RewriteWhileOffMakesABaseOnly) {
  put_base();
  ASSERT_TRUE(log_->commit_base("/data/temp-base.rdb", BaseFormat::kRdb));
  EXPECT_EQ(manifest(), "file appendonly.aof.1.base.rdb seq 1 type b\n");
  EXPECT_EQ(log_->state(), LogState::kOff);
}

TEST_F(LogTest, StreamCanContinueElsewhereWhileOff) {
  start();
  log_->append(0, set_, 1);
  log_->turn_off();
  ASSERT_TRUE(eventually([&] { return log_->idle(); }));
  log_->restart_stream(10);
  ASSERT_TRUE(log_->prepare_increment());
  EXPECT_EQ(log_->switch_increment(), 10u);
  EXPECT_EQ(log_->append(0, set_, 1), 10 + select_.size() + set_.size());
  EXPECT_TRUE(durable());
  log_->abandon_cut();
}

TEST_F(LogTest, TurnedOffWithABrokenDiskItStillEnds) {
  make_log({.policy = FsyncPolicy::kAlways});
  start();
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = EIO, .path_part = "incr.aof", .forever = true});
  log_->append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return !log_->status().ok(); }));
  log_->turn_off();
  EXPECT_TRUE(eventually([&] { return log_->idle(); }));
  EXPECT_TRUE(log_->status().ok());
  EXPECT_EQ(log_->durable_offset(), log_->appended_offset());  // nobody is left waiting
}

TEST_F(LogTest, AppendRightBeforeShutdownIsNotLost) {
  // Append and shutdown come while the writer has just found nothing to take: it asks the clock then.
  struct HookClock final : Clock {
    int64_t unix_us() const override {
      if (armed.exchange(false)) hook();
      return SystemClock().unix_us();
    }
    int64_t monotonic_us() const override { return SystemClock().monotonic_us(); }
    mutable std::atomic<bool> armed{false};
    std::function<void()> hook;
  };
  HookClock clock;
  Log log(*directory_, clock, {.policy = FsyncPolicy::kAlways});
  std::atomic<bool> appended{false};
  clock.hook = [&] {
    log.append(0, set_, 1);
    appended = true;
    EXPECT_TRUE(eventually([&] { return !log.active(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the stop follows at once
  };
  auto const plan = plan_recovery(*directory_);
  ASSERT_TRUE(plan.has_value());
  disk_.put("/data/temp.rdb", "");
  ASSERT_TRUE(log.commit_base("/data/temp.rdb", BaseFormat::kRdb, true));
  ASSERT_TRUE(log.start(*plan));
  log.append(0, set_, 1);
  ASSERT_TRUE(eventually([&] { return log.durable_offset() == log.appended_offset(); }));
  clock.armed = true;
  log.set_policy(FsyncPolicy::kNo);  // wakes the writer
  ASSERT_TRUE(eventually([&] { return appended.load(); }));
  ASSERT_TRUE(log.shutdown());
  EXPECT_EQ(file("appendonly.aof.1.incr.aof"), select_ + set_ + set_);
  EXPECT_EQ(log.durable_offset(), log.appended_offset());
}

TEST_F(LogTest, ShutdownTellsWhenBytesAreLost) {
  start();
  disk_.set_space(0);
  log_->append(0, set_, 1);
  Status const done = log_->shutdown();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().errnum, ENOSPC);
}

TEST_F(LogTest, WritersAreHeldBackAndReleasedAroundTheLimit) {
  start();
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = ENOSPC, .path_part = "incr.aof", .forever = true});
  std::string const large = command({"set", "b", std::string(8 * 1024 * 1024, 'x')});
  for (int i = 0; i < 7; ++i) log_->append(0, large, 1);
  EXPECT_FALSE(log_->over_limit());
  log_->append(0, large, 1);
  EXPECT_TRUE(log_->over_limit());
  disk_.clear_faults();
  EXPECT_TRUE(eventually([&] { return !log_->over_limit(); }));
}

TEST_F(LogTest, AnnotationsAreInTheFileAndNotInTheStream) {
  make_log({.annotate = true});
  start();
  uint64_t const end = log_->append(0, set_, 1);
  EXPECT_EQ(end, select_.size() + set_.size());
  ASSERT_TRUE(log_->shutdown());
  std::string const text = file("appendonly.aof.1.incr.aof");
  EXPECT_TRUE(text.starts_with("#TS:"));
  EXPECT_EQ(text.substr(text.find('\n') + 1), select_ + set_);
  auto const plan = plan_recovery(*directory_);
  EXPECT_EQ(written_stream(directory_->disk(), plan->parts.back()).value().end, end);
}

TEST_F(LogTest, PowerFailureKeepsEverythingThatWasDurable) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    make_log({.policy = FsyncPolicy::kAlways});
    start();
    for (int i = 0; i < 20; ++i) log_->append(0, command({"n", std::to_string(i)}), 1);
    ASSERT_TRUE(durable());
    uint64_t const safe = log_->durable_offset();
    std::string const name = directory_->manifest().increments.back().name;
    std::string const before = file(name);
    for (int i = 0; i < 20; ++i) log_->append(0, command({"m", std::to_string(i)}), 1);
    disk_.crash(seed);

    make_log({});  // ends the old one, whose files are dead
    auto const plan = plan_recovery(*directory_);
    ASSERT_TRUE(plan.has_value());
    ASSERT_EQ(plan->parts.back().name, name);
    ASSERT_GE(plan->total_bytes, safe);
    ASSERT_TRUE(file(name).starts_with(before));
    // The tail may be torn: cut as a start would do.
    auto reader = AofFileReader::open(disk_, plan->parts.back().path);
    ASSERT_TRUE(reader.has_value());
    std::expected<AofItem, AofError> item;
    do item = reader->next();
    while (item && item->kind != AofItem::Kind::kEnd);
    if (!item) {
      ASSERT_EQ(item.error().kind, AofError::Kind::kTruncated);
      ASSERT_GE(item.error().valid_up_to, before.size());
    }
    std::vector<std::string> const names = disk_.list("/data/appendonlydir").value();
    for (std::string const& each : names) disk_.unlink(directory_->path(each)).value();
  }
}

}  // namespace
}  // namespace holdfast::log
