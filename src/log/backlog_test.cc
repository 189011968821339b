#include "log/backlog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "disk/faulty_disk.h"
#include "log/effect_buffer.h"
#include "log/log.h"

namespace holdfast::log {
namespace {

class BacklogTest : public testing::Test {
 protected:
  BacklogTest() {
    EXPECT_TRUE(logger_.set_file("/dev/null"));
    EXPECT_TRUE(disk_.make_directory("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
  }

  /// Appends `SET <key> x`, and remembers what the stream has.
  void write(std::string const& key) {
    std::string command;
    append_command(command, {"SET", key, "x"});
    if (selects_) append_command(stream_, {"SELECT", "0"});
    selects_ = false;
    stream_ += command;
    end_ = log_.append(0, command, 1);
  }
  void begin() {
    ASSERT_TRUE(log_.prepare_backlog("/data"));
    begin_ = end_ = log_.begin_backlog();
    selects_ = true;
  }
  /// Waits until the file has everything; the limit is only for the case that it never has.
  bool settled() {
    for (int i = 0; i < 20'000; i++) {
      if (log_.written_offset() == log_.appended_offset()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  /// All from `offset` on, in pieces of at most `piece` bytes.
  std::string read(uint64_t offset, size_t piece = 7) {
    std::string text;
    std::vector<char> room(piece);
    while (true) {
      auto const got = log_.backlog().read(offset + text.size(), room);
      if (!got) return "error: " + got.error().message;
      if (*got == 0) return text;
      text.append(room.data(), *got);
    }
  }

  FaultyDisk disk_;
  SystemClock clock_;
  Logger logger_{clock_};
  AofDirectory directory_{disk_, logger_, AofLocation{.data_dir = "/data"}};
  Log log_{directory_, clock_, {.start_offset = 1000, .timing = {.gather_us = 200, .sync_interval_us = 2000, .retry_us = 2000}}};
  std::string stream_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  bool selects_ = true;
};

TEST_F(BacklogTest, NothingIsAppendedWithoutIt) {
  EXPECT_FALSE(log_.active());
  EXPECT_FALSE(log_.backlog().window().has_value());
  char byte = 0;
  EXPECT_FALSE(log_.backlog().read(0, {&byte, 1}).has_value());
}

TEST_F(BacklogTest, HoldsTheStreamInAFileWithoutAName) {
  begin();
  EXPECT_EQ(begin_, 1000U);
  EXPECT_TRUE(log_.active());
  for (int i = 0; i < 100; i++) write("key" + std::to_string(i));
  ASSERT_TRUE(settled());
  EXPECT_EQ(read(begin_), stream_);
  EXPECT_EQ(read(begin_ + 30), stream_.substr(30));
  EXPECT_EQ(read(end_), "");
  EXPECT_NE(read(begin_ - 1).find("error"), std::string::npos);
  EXPECT_EQ(log_.backlog().window()->begin, begin_);
  EXPECT_EQ(log_.backlog().window()->end, end_);
  EXPECT_TRUE(disk_.list("/data")->empty());
}

TEST_F(BacklogTest, GoesOnInAFreshFileAndForgetsTheOldest) {
  begin();
  for (int round = 0; round < 3; round++) {
    write("round" + std::to_string(round));
    ASSERT_TRUE(settled());
    ASSERT_TRUE(log_.tend_backlog("/data", 1, 1 << 20));
    selects_ = true;
  }
  write("last");
  ASSERT_TRUE(settled());
  EXPECT_EQ(read(begin_), stream_);
  ASSERT_TRUE(log_.tend_backlog("/data", 1 << 20, 1));
  auto const window = log_.backlog().window();
  ASSERT_TRUE(window.has_value());
  EXPECT_GT(window->begin, begin_);
  EXPECT_EQ(window->end, end_);
  EXPECT_EQ(read(window->begin), stream_.substr(window->begin - begin_));
  EXPECT_NE(read(begin_).find("error"), std::string::npos);
}

TEST_F(BacklogTest, AFullDiskLosesItAndHoldsNobodyUp) {
  begin();
  write("before");
  ASSERT_TRUE(settled());
  disk_.add_fault({.operation = DiskOperation::kAppend, .errnum = ENOSPC, .forever = true});
  write("lost");
  ASSERT_TRUE(settled());
  EXPECT_TRUE(log_.status().ok());
  EXPECT_FALSE(log_.backlog().readable());
  EXPECT_NE(read(begin_).find("error"), std::string::npos);
  disk_.clear_faults();
  write("lost too");
  ASSERT_TRUE(settled());
  EXPECT_FALSE(log_.backlog().readable());
  // The next file begins a backlog again.
  uint64_t const from = end_;
  ASSERT_TRUE(log_.tend_backlog("/data", 1 << 20, 1 << 20));
  selects_ = true;
  stream_.clear();
  write("after");
  ASSERT_TRUE(settled());
  EXPECT_TRUE(log_.backlog().readable());
  EXPECT_EQ(log_.backlog().window()->begin, from);
  EXPECT_EQ(read(from), stream_);
}

TEST_F(BacklogTest, WhoFollowsAppendsOnlyWhatItIsSent) {
  begin();
  log_.set_following(true);
  EXPECT_FALSE(log_.active());
  std::string piece;
  append_command(piece, {"SELECT", "3"});
  append_command(piece, {"SET", "a", "1"});
  EXPECT_EQ(log_.append_verbatim(piece, 3), begin_ + piece.size());
  ASSERT_TRUE(settled());
  EXPECT_EQ(read(begin_), piece);
  // The next file says which database the stream has selected, to itself and not to readers of the stream.
  ASSERT_TRUE(log_.tend_backlog("/data", 1, 1 << 20));
  std::string next;
  append_command(next, {"SET", "b", "1"});
  log_.append_verbatim(next, 3);
  ASSERT_TRUE(settled());
  EXPECT_EQ(read(begin_), piece + next);
  log_.set_following(false);
  EXPECT_TRUE(log_.active());
}

TEST_F(BacklogTest, EndsWithoutATrace) {
  begin();
  write("a");
  log_.end_backlog();
  EXPECT_FALSE(log_.active());
  EXPECT_FALSE(log_.backlog().active());
  ASSERT_TRUE(settled());
  uint64_t const end = log_.appended_offset();
  std::string command;
  append_command(command, {"SET", "b", "x"});
  log_.append(0, command, 1);
  EXPECT_EQ(log_.appended_offset(), end);
}

}  // namespace
}  // namespace holdfast::log
