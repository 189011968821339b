#include "base/logger.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

class FixedClock final : public Clock {
 public:
  int64_t unix_us() const override { return 1'795'238'664'033'999; }
  int64_t monotonic_us() const override { return 0; }
};

class LoggerTest : public testing::Test {
 protected:
  LoggerTest() {
    setenv("TZ", "UTC", 1);
    tzset();
    char pattern[] = "/tmp/holdfast-logger-XXXXXX";
    directory_ = mkdtemp(pattern);
    file_ = directory_ + "/log";
    EXPECT_TRUE(logger_.set_file(file_).has_value());
  }
  ~LoggerTest() override { std::filesystem::remove_all(directory_); }

  static std::string read(std::string const& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string contents() const { return read(file_); }

  FixedClock clock_;
  Logger logger_{clock_};
  std::string directory_;
  std::string file_;
  std::string pid_ = std::to_string(getpid());
};

TEST_F(LoggerTest, LineFormat) {
  logger_.warning("Configuration %s", "loaded");
  logger_.set_role('M');
  logger_.notice("Ready to accept connections");
  EXPECT_EQ(contents(), pid_ + ":C 21 Nov 2026 05:24:24.033 # Configuration loaded\n" + pid_ +
                            ":M 21 Nov 2026 05:24:24.033 * Ready to accept connections\n");
}

TEST_F(LoggerTest, LinesBelowTheLevelAreNotWritten) {
  logger_.verbose("no");
  logger_.debug("no");
  logger_.raw(LogLevel::kVerbose, "no");
  EXPECT_EQ(contents(), "");
  logger_.set_level(LogLevel::kDebug);
  logger_.verbose("one");
  logger_.debug("two");
  logger_.log(LogLevel::kDebug, "%d", 3);
  logger_.raw(LogLevel::kDebug, "raw\n");
  std::string const text = contents();
  EXPECT_NE(text.find(" - one\n"), std::string::npos);
  EXPECT_NE(text.find(" . two\n"), std::string::npos);
  EXPECT_NE(text.find(" . 3\nraw\n"), std::string::npos);
}

TEST_F(LoggerTest, TheFileMayBeRenamedBetweenLines) {
  logger_.warning("first");
  std::filesystem::rename(file_, file_ + ".1");
  logger_.warning("second");
  EXPECT_NE(read(file_ + ".1").find("first\n"), std::string::npos);
  EXPECT_EQ(contents().find("first"), std::string::npos);
  EXPECT_NE(contents().find("second\n"), std::string::npos);
}

TEST_F(LoggerTest, AFileThatCannotBeOpenedIsRefusedAndTheOldOneStays) {
  auto const status = logger_.set_file(directory_ + "/missing/log");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "Can't open the log file: No such file or directory");
  logger_.warning("still here");
  EXPECT_NE(contents().find("still here\n"), std::string::npos);
}

TEST_F(LoggerTest, LongMessagesAreCut) {
  logger_.warning("%s", std::string(2 * Logger::kMessageBytesMax, 'x').c_str());
  std::string const text = contents();
  EXPECT_EQ(text.size() - text.find('x'), Logger::kMessageBytesMax + 1);
  EXPECT_TRUE(text.ends_with("x\n"));
}

TEST_F(LoggerTest, LinesOfSeveralThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 100; ++i) logger_.warning("thread %d line %d end", t, i);
    });
  }
  for (int i = 0; i < 50; ++i) {
    logger_.set_role(i % 2 == 0 ? 'M' : 'S');
    ASSERT_TRUE(logger_.set_file(file_).has_value());
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(contents());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(line.starts_with(pid_ + ":") && line.ends_with(" end")) << line;
  }
  EXPECT_EQ(count, 400);
}

TEST_F(LoggerTest, StandardOutputIsTheDefault) {
  Logger logger(clock_);
  testing::internal::CaptureStdout();
  logger.warning("to stdout");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), pid_ + ":C 21 Nov 2026 05:24:24.033 # to stdout\n");
}

}  // namespace
}  // namespace holdfast
