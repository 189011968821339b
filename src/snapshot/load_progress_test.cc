#include "snapshot/load_progress.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace holdfast::snapshot {
namespace {

class StillClock final : public Clock {
 public:
  int64_t unix_us() const override { return now_us; }
  int64_t monotonic_us() const override { return now_us; }
  int64_t now_us = 1'700'000'000'000'000;
};

class LoadProgressTest : public testing::Test {
 protected:
  LoadProgressTest() { EXPECT_TRUE(logger_.set_file(path_)); }
  ~LoadProgressTest() override { unlink(path_.c_str()); }

  /// Reaches `bytes` after another `ms`.
  void reach(int64_t ms, uint64_t bytes) {
    clock_.now_us += ms * 1000;
    progress_.reach(bytes, clock_, logger_);
  }
  std::string log() {
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  size_t lines() {
    std::string const text = log();
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  StillClock clock_;
  Logger logger_{clock_};
  std::string const path_ = testing::TempDir() + "load_progress_test." + std::to_string(getpid());
  LoadProgress progress_;
};

TEST_F(LoadProgressTest, NothingIsKnownAtFirst) {
  progress_.total_bytes = 1000;
  EXPECT_FALSE(progress_.seconds_left());
  reach(0, 10);
  reach(100, 20);
  EXPECT_FALSE(progress_.seconds_left());
  EXPECT_EQ(progress_.loaded_bytes.load(), 20u);
}

TEST_F(LoadProgressTest, WhatIsLeftFollowsFromThePresentSpeed) {
  progress_.total_bytes = 100'000'000;
  reach(0, 0);
  reach(1000, 20'000'000);
  EXPECT_EQ(progress_.seconds_left(), 4);  // 80 MB at 20 MB/s
  // The commands behind the base are slower: the estimate follows within some intervals.
  uint64_t at = 20'000'000;
  for (int i = 0; i < 8; i++) reach(1000, at += 1'000'000);
  EXPECT_GE(progress_.seconds_left(), 65);  // 72 MB at a little over 1 MB/s
  EXPECT_LE(progress_.seconds_left(), 72);
  reach(1000, 100'000'000);
  EXPECT_EQ(progress_.seconds_left(), 0);
}

TEST_F(LoadProgressTest, OnlyLongLoadsAreTalkedOf) {
  progress_.total_bytes = 400'000'000;
  reach(0, 0);
  for (int i = 1; i <= 4; i++) reach(1000, static_cast<uint64_t>(i) * 20'000'000);
  EXPECT_EQ(lines(), 0u);
  reach(1000, 100'000'000);
  EXPECT_NE(log().find("Loading: 25.0% of 400 MB, 20.0 MB/s, about 15 seconds left\n"), std::string::npos) << log();
  for (int i = 6; i <= 9; i++) reach(1000, static_cast<uint64_t>(i) * 20'000'000);
  EXPECT_EQ(lines(), 1u);
  reach(1000, 200'000'000);
  EXPECT_EQ(lines(), 2u);
}

TEST_F(LoadProgressTest, TheNextLoadBeginsAnew) {
  progress_.total_bytes = 100;
  reach(0, 0);
  reach(1000, 50);
  ASSERT_TRUE(progress_.seconds_left());
  progress_.clear();
  EXPECT_FALSE(progress_.seconds_left());
  EXPECT_EQ(progress_.total_bytes.load(), 0u);
  progress_.total_bytes = 1000;
  reach(60'000, 0);  // the pause between the loads is no part of either
  EXPECT_EQ(lines(), 0u);
  reach(1000, 500);
  EXPECT_EQ(progress_.seconds_left(), 1);
}

}  // namespace
}  // namespace holdfast::snapshot
