// Files made by Log are loaded by a real redis-server, and its files are read by us. Skipped where none is installed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "disk/real_disk.h"
#include "log/effect_buffer.h"
#include "log/log.h"
#include "log/test_command.h"
#include "log/test_redis_server.h"

namespace holdfast::log {
namespace {

std::vector<std::string> const kAppendOnly = {"--appendonly", "yes", "--aof-load-truncated", "no"};

class RedisLoadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "no redis-server here";
    char name[] = "/tmp/holdfast-log-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    ASSERT_TRUE(logger_.set_file("/dev/null"));
  }
  void TearDown() override {
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }

  AofDirectory directory() { return {disk_, logger_, AofLocation{.data_dir = dir_}}; }
  std::string temp_base(std::string const& contents) {
    std::string const path = dir_ + "/temp-base";
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

  std::string dir_;
  RealDisk disk_;
  SystemClock clock_;
  Logger logger_{clock_};
};

TEST_F(RedisLoadTest, RedisLoadsOurFilesAndWeItsFiles) {
  AofDirectory own_directory = directory();
  uint64_t end = 0;
  {
    Log log(own_directory, clock_, {.policy = FsyncPolicy::kAlways, .annotate = true});
    auto const plan = plan_recovery(own_directory);
    ASSERT_TRUE(plan.has_value());
    ASSERT_TRUE(log.commit_base(temp_base(command({"SELECT", "0"}) + command({"SET", "base", "old"})),
                                BaseFormat::kResp, true));
    ASSERT_TRUE(log.start(*plan));
    log.append(0, command({"SET", "a", "1"}), 1);
    log.append(3, command({"SET", "b", "2"}) + command({"RPUSH", "l", "x", "y"}), 2);
    std::string const set_c = command({"SET", "c", "3"}), set_d = command({"SET", "d", std::string(200'000, 'd')});
    Effect const effects[] = {{0, set_c}, {5, set_d}};
    log.append_unit(effects);
    // A rewrite: the new base has all of db 0 up to the cut, and lacks what a reader must not see again.
    ASSERT_TRUE(log.prepare_increment());
    log.switch_increment();
    log.append(5, command({"INCR", "n"}), 1);
    ASSERT_TRUE(log.commit_base(temp_base(command({"SELECT", "0"}) + command({"SET", "base", "new"}) +
                                          command({"SELECT", "5"}) + command({"SET", "n", "41"})),
                                BaseFormat::kResp));
    // One that is given up: two increments.
    ASSERT_TRUE(log.prepare_increment());
    log.switch_increment();
    log.append(5, command({"INCR", "n"}) + command({"SET", "d", "again"}), 2);
    log.abandon_cut();
    ASSERT_TRUE(log.shutdown());
    end = log.appended_offset();
  }
  {
    RedisServer redis(dir_, kAppendOnly);
    ASSERT_TRUE(redis.wait_ready());
    EXPECT_EQ(redis.ask("GET base"), "new");
    EXPECT_EQ(redis.ask("EXISTS a"), "0");
    EXPECT_EQ(redis.ask("-n 5 GET n"), "43");
    EXPECT_EQ(redis.ask("-n 5 GET d"), "again");
    EXPECT_EQ(redis.ask("-n 2 SET by redis"), "OK");
  }
  AofDirectory after = directory();
  auto const plan = plan_recovery(after);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->parts.size(), 3u);
  auto reader = AofFileReader::open(disk_, plan->parts.back().path);
  ASSERT_TRUE(reader.has_value());
  std::vector<std::string> words;
  for (auto item = reader->next(); item && item->kind != AofItem::Kind::kEnd; item = reader->next()) {
    if (item->kind == AofItem::Kind::kCommand) words.emplace_back(item->argv.back());
  }
  ASSERT_GE(words.size(), 2u);
  EXPECT_EQ(words[words.size() - 2], "2");
  EXPECT_EQ(words.back(), "redis");
  // The offset goes on behind what redis-server has added; our index covers the part before.
  EXPECT_EQ(written_stream(after.disk(), plan->parts.back()).value().end,
            end + command({"SELECT", "2"}).size() + command({"SET", "by", "redis"}).size());
}

TEST_F(RedisLoadTest, RedisLoadsFilesOfConcurrentAppendsAndCuts) {
  constexpr int kThreads = 2;
  constexpr int kUnits = 20'000;
  AofDirectory own_directory = directory();
  {
    Log log(own_directory, clock_, {});
    auto const plan = plan_recovery(own_directory);
    ASSERT_TRUE(plan.has_value());
    ASSERT_TRUE(log.commit_base(temp_base(""), BaseFormat::kResp, true));
    ASSERT_TRUE(log.start(*plan));
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::string const incr = command({"INCR", "n" + std::to_string(t)});
        for (int i = 0; i < kUnits; ++i) log.append(i % 3, incr, 1);
      });
    }
    for (int cut = 0; cut < 3; ++cut) {
      if (!log.prepare_increment()) continue;
      log.switch_increment();
      log.abandon_cut();
    }
    threads.clear();
    ASSERT_TRUE(log.shutdown());
  }
  RedisServer redis(dir_, kAppendOnly);
  ASSERT_TRUE(redis.wait_ready());
  for (int t = 0; t < kThreads; ++t) {
    int sum = 0;
    for (int db = 0; db < 3; ++db)
      sum += std::stoi(redis.ask("-n " + std::to_string(db) + " GET n" + std::to_string(t)));
    EXPECT_EQ(sum, kUnits);
  }
}

}  // namespace
}  // namespace holdfast::log
