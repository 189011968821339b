#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "config/config.h"
#include "config/test_directory.h"

namespace holdfast::config {
namespace {

constexpr char const* kHeader = "\n*** FATAL CONFIG FILE ERROR (Holdfast " HOLDFAST_VERSION ") ***\n";

std::string at_line(int number, std::string const& line, std::string const& message) {
  return kHeader + ("Reading the configuration file, at line " + std::to_string(number)) + "\n>>> '" + line + "'\n" +
         message + "\n";
}

std::string load(std::string const& text) {
  Config config("/");
  auto const done = config.load_text(text);
  return done ? "" : done.error().message;
}

TEST(ConfigLoad, MistakesAreShownWithTheirLine) {
  constexpr char const* kBad = "Bad directive or wrong number of arguments";
  struct Case {
    char const* text;
    int line;
    char const* shown;
    char const* message;
  };
  Case const cases[] = {
      {"timeout 1\nnosuch 2\n", 2, "nosuch 2", kBad},
      {"  nosuch 2  \r\n", 1, "nosuch 2", kBad},
      {"# c\n\n   # d\ntimeout \"1\n", 4, "timeout \"1", "Unbalanced quotes in configuration line"},
      {"timeout \"1\"x\n", 1, "timeout \"1\"x", "Unbalanced quotes in configuration line"},
      {"timeout\n", 1, "timeout", "wrong number of arguments"},
      {"timeout 1 2", 1, "timeout 1 2", "wrong number of arguments"},
      {"Timeout x\r\n", 1, "Timeout x", "argument couldn't be parsed into an integer"},
      {"include\n", 1, "include", kBad},
      {"include a b\n", 1, "include a b", kBad},
      {"rename-command get\n", 1, "rename-command get", kBad},
      {"sentinel x\n", 1, "sentinel x", "sentinel directive while not in sentinel mode"},
      {"user\n", 1, "user", kBad},
      {"user x on\nuser x off\n", 2, "user x off",
       "Error in user declaration 'x': Duplicate user found. A user can only be defined once in config files"},
      {"loadmodule\n", 1, "loadmodule", kBad},
      {"loadmodule /x.so a\n", 1, "loadmodule /x.so a",
       "Holdfast does not load modules: remove the loadmodule directive"},
      {"mod.x\n", 1, "mod.x", "Module config specified without value"},
      {"mod.x 1\n", 1, "mod.x 1", "Holdfast does not load modules: remove the module's configuration"},
      {"list-max-ziplist-value\n", 1, "list-max-ziplist-value", kBad},
      {"list-max-ziplist-value 1 2\n", 1, "list-max-ziplist-value 1 2", kBad},
      {"save 1 1 \"\"\n", 1, "save 1 1 \"\"", "Invalid save parameters"},
      {"replicaof a b\n", 1, "replicaof a b", "Invalid master port"},
      {"dir /etc/passwd\n", 1, "dir /etc/passwd", "Not a directory"},
      {"shutdown-on-sigint \"nosave force\" now\n", 1, "shutdown-on-sigint \"nosave force\" now",
       "argument(s) must be one of the following: default, save, nosave, now, force"},
      {"user x on\naclfile /x\n", 1, "user x on",
       "Users are defined in the configuration and in an ACL file (aclfile): remove one of the two"},
  };
  for (Case const& one : cases) EXPECT_EQ(load(one.text), at_line(one.line, one.shown, one.message)) << one.text;
}

TEST(ConfigLoad, WhatIsFoundAfterTheLastLineNamesNone) {
  EXPECT_EQ(load("replicaof 1 2\ncluster-enabled yes\n"),
            std::string(kHeader) + "replicaof directive not allowed in cluster mode\n");
  EXPECT_EQ(load("logfile /nosuch/x\n"), std::string(kHeader) + "Can't open the log file: No such file or directory\n");
}

TEST(ConfigLoad, TheLogFileIsNotCreatedByTheCheck) {
  TestDirectory const place;
  Config config(place.path());
  EXPECT_TRUE(config.load_text("logfile new.log\n"));
  EXPECT_FALSE(std::filesystem::exists(place.path() + "/new.log"));
}

TEST(ConfigLoad, LinesThatMeanNothingAnyMoreAreTaken) {
  EXPECT_EQ(load("lua-replicate-commands yes\nlist-max-ziplist-entries 5\nlist-max-ziplist-value 5\n"), "");
}

TEST(ConfigLoad, SaveLinesAddUpAndTheFirstReplacesTheDefaults) {
  struct Case {
    char const* text;
    char const* result;
  };
  Case const cases[] = {{"", "3600 1 300 100 60 10000"},
                        {"save\n", ""},
                        {"save 1 1\nsave\n", "1 1"},
                        {"save \"\"\nsave 5 5\n", "5 5"},
                        {"save 1 1\nsave \"\"\n", ""},
                        {"save 1 1\nsave \"\"\nsave 2 2", "2 2"},
                        {"save 10 1\nsave \"20 2 30 3\"\n", "10 1 20 2 30 3"}};
  for (Case const& one : cases) {
    Config config("/");
    ASSERT_TRUE(config.load_text(one.text)) << one.text;
    EXPECT_EQ(config.text(Directive::kSave), one.result) << one.text;
  }
}

TEST(ConfigLoad, ValuesOfEveryKindAreReadThroughTheirAccessors) {
  Config config("/");
  auto const done = config.load_text(R"(
MAXMEMORY 100mb
maxmemory-policy ALLKEYS-LRU
maxmemory-clients 10%
appendonly yes
appendfsync always
save 60 7
bind 127.0.0.1 -::1
slaveof "primary.example 6380"
client-output-buffer-limit slave 1 2 3
client-output-buffer-limit pubsub 4kb 5 6
oom-score-adj-values 1 2 3
latency-tracking-info-percentiles 50 99.9
notify-keyspace-events KEx
shutdown-on-sigterm nosave now
requirepass "a b\x01"
io-threads 4
lua-time-limit 9
loglevel warning
unixsocketperm 0770
)");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(config.memory(Directive::kMaxmemory), 100U << 20);
  EXPECT_EQ(config.client_memory_limit(), 10U << 20);
  EXPECT_EQ(config.choice<MaxmemoryPolicy>(Directive::kMaxmemoryPolicy), MaxmemoryPolicy::kAllKeysLru);
  EXPECT_TRUE(config.flag(Directive::kAppendonly));
  EXPECT_EQ(config.choice<AppendFsync>(Directive::kAppendfsync), AppendFsync::kAlways);
  EXPECT_EQ(config.save_points(), (std::vector<SavePoint>{{60, 7}}));
  EXPECT_EQ(config.bind_addresses(), (std::vector<std::string>{"127.0.0.1", "-::1"}));
  EXPECT_EQ(config.replica_of(), (ReplicaOf{"primary.example", 6380}));
  EXPECT_EQ(config.output_limit(ClientClass::kNormal), (ClientOutputLimit{0, 0, 0}));
  EXPECT_EQ(config.output_limit(ClientClass::kReplica), (ClientOutputLimit{1, 2, 3}));
  EXPECT_EQ(config.output_limit(ClientClass::kPubsub), (ClientOutputLimit{4096, 5, 6}));
  EXPECT_EQ(config.oom_score_values(), (OomScoreValues{1, 2, 3}));
  EXPECT_EQ(config.latency_percentiles(), (std::vector<double>{50, 99.9}));
  EXPECT_EQ(config.keyspace_events(), kEventKeyspace | kEventKeyevent | kEventExpired);
  EXPECT_EQ(config.integer(Directive::kShutdownOnSigterm), kShutdownNoSave | kShutdownNow);
  EXPECT_EQ(config.text(Directive::kRequirepass), "a b\x01");
  EXPECT_EQ(config.integer(Directive::kThreads), 4);
  EXPECT_EQ(config.integer(Directive::kBusyReplyThreshold), 9);
  EXPECT_EQ(config.choice<LogLevel>(Directive::kLoglevel), LogLevel::kWarning);
  EXPECT_EQ(config.integer(Directive::kUnixsocketperm), 0770);
}

TEST(ConfigLoad, LinesForOthersAreKeptInOrder) {
  Config config("/");
  ASSERT_TRUE(config.load_text("rename-command GET g2\nrename-command g2 \"\"\n\nuser alice on >x ~*\nuser bob\n"));
  ASSERT_EQ(config.rename_lines().size(), 2U);
  EXPECT_EQ(config.rename_lines()[1].words, (Words{"g2", ""}));
  EXPECT_EQ(config.rename_lines()[1].number, 2);
  ASSERT_EQ(config.user_lines().size(), 2U);
  EXPECT_EQ(config.user_lines()[0].words, (Words{"alice", "on", ">x", "~*"}));
  EXPECT_EQ(config.user_lines()[0].number, 4);
  EXPECT_EQ(config.user_lines()[0].text, "user alice on >x ~*");
}

TEST(ConfigLoad, IncludesStandWhereTheyAreWritten) {
  TestDirectory const place;
  place.write("a1.conf", "timeout 11\nhz 20\n");
  place.write("a2.conf", "timeout 12\n");
  std::string const main = place.write("main.conf", "timeout 1\ninclude a*.conf\ninclude none*.conf\nhz 30\n");
  Config config(place.path());
  auto const done = config.load_file("main.conf");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(config.integer(Directive::kTimeout), 12);
  EXPECT_EQ(config.integer(Directive::kHz), 30);
  EXPECT_EQ(config.config_file(), main);
}

TEST(ConfigLoad, IncludeMistakes) {
  TestDirectory const place;
  place.write("bad.conf", "\na b\n");
  place.write("loop.conf", "include loop.conf\n");
  auto const include = [&](std::string const& name) {
    Config config(place.path());
    return config.load_text("timeout 1\ninclude " + name + "\n").error();
  };
  EXPECT_EQ(include("bad.conf").message, at_line(2, "a b", "Bad directive or wrong number of arguments"));
  EXPECT_EQ(include("nosuch").message,
            "Fatal error, can't open config file '" + place.path() + "/nosuch': No such file or directory");
  EXPECT_EQ(include("nosuch").errnum, ENOENT);
  EXPECT_EQ(include("loop.conf").message, at_line(1, "include loop.conf", "include files are nested too deep"));
}

TEST(ConfigLoad, MissingFile) {
  Config config("/");
  auto const done = config.load_file("/nosuch/a.conf");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "Fatal error, can't open config file '/nosuch/a.conf': No such file or directory");
  EXPECT_EQ(config.apply_arguments({"holdfast", "/"}).error().message,
            "Fatal error, can't open config file '/': Is a directory");
}

TEST(ConfigLoad, RelativeDirIsNoted) {
  TestDirectory const place;
  std::filesystem::create_directory(place.path() + "/data");
  place.write("data/inner.conf", "timeout 9\n");
  Config config(place.path());
  EXPECT_FALSE(config.dir_was_written());
  ASSERT_TRUE(config.load_text("dir ./data\ninclude inner.conf\n"));
  EXPECT_EQ(config.text(Directive::kDir), place.path() + "/data");
  EXPECT_EQ(config.integer(Directive::kTimeout), 9) << "a relative include starts at dir";
  EXPECT_TRUE(config.dir_was_relative());
  EXPECT_TRUE(config.dir_was_written());
}

// A descriptor that reads `text`.
class Input {
 public:
  explicit Input(std::string const& text) {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends_[1]);
  }
  ~Input() { ::close(ends_[0]); }
  Input(Input const&) = delete;
  Input& operator=(Input const&) = delete;
  int descriptor() const { return ends_[0]; }

 private:
  int ends_[2];
};

TEST(ConfigLoad, FileThenStandardInputThenOptions) {
  TestDirectory const place;
  place.write("a.conf", "timeout 1\nhz 11\nsave 5 5");
  Input const input("timeout 2\nport 7002\n");
  Config config(place.path());
  auto const done =
      config.apply_arguments({"holdfast", "a.conf", "--port", "7003", "--save", "6", "6", "-"}, input.descriptor());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(config.integer(Directive::kHz), 11);
  EXPECT_EQ(config.integer(Directive::kTimeout), 2);
  EXPECT_EQ(config.integer(Directive::kPort), 7003);
  EXPECT_EQ(config.text(Directive::kSave), "5 5 6 6");
}

TEST(ConfigLoad, LineNumbersCountThroughAllSources) {
  TestDirectory const place;
  place.write("nl.conf", "timeout 5\n");
  place.write("bare.conf", "timeout 5");
  auto const message = [&](std::vector<std::string> arguments, std::string const& text) {
    arguments.insert(arguments.begin(), "holdfast");
    Input const input(text);
    Config config(place.path());
    auto const done = config.apply_arguments(arguments, input.descriptor());
    return done ? "" : done.error().message;
  };
  constexpr char const* kBad = "Bad directive or wrong number of arguments";
  EXPECT_EQ(message({"--nosuch", "1"}, ""), at_line(2, "nosuch \"1\"", kBad));
  EXPECT_EQ(message({"--port", "1", "--nosuch", "1"}, ""), at_line(3, "nosuch \"1\"", kBad));
  EXPECT_EQ(message({"--port", "1", "--save", "--nosuch"}, ""), at_line(4, "nosuch", kBad));
  EXPECT_EQ(message({"nl.conf", "--nosuch", "1"}, ""), at_line(3, "nosuch \"1\"", kBad));
  EXPECT_EQ(message({"bare.conf", "--nosuch", "1"}, ""), at_line(2, "nosuch \"1\"", kBad));
  EXPECT_EQ(message({"-", "--port", "1", "--nosuch", "x"}, "timeout 5\n"), at_line(4, "nosuch \"x\"", kBad));
  EXPECT_EQ(message({"nl.conf", "--port", "1", "-"}, "timeout 6\nnosuch 1"), at_line(3, "nosuch 1", kBad));
}

TEST(ConfigLoad, SentinelModeHasItsPortAndItsLines) {
  TestDirectory const place;
  place.write("s.conf", "sentinel monitor m 127.0.0.1 6379 2\n");
  Config config(place.path());
  ASSERT_TRUE(config.apply_arguments({"holdfast", "s.conf", "--sentinel"}));
  EXPECT_TRUE(config.sentinel_mode());
  EXPECT_EQ(config.integer(Directive::kPort), 26379);
  ASSERT_EQ(config.sentinel_lines().size(), 1U);
  EXPECT_EQ(config.sentinel_lines()[0].words, (Words{"monitor", "m", "127.0.0.1", "6379", "2"}));
}

}  // namespace
}  // namespace holdfast::config
