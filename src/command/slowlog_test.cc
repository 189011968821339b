#include "command/slowlog.h"

#include <gtest/gtest.h>

#include "command/client_card.h"
#include "command/command_table.h"
#include "command/secret_arguments.h"

namespace holdfast {
namespace {

std::vector<std::string> kept(std::vector<std::string_view> const& words, std::string_view full_name = "x") {
  return slow_command_arguments(full_name, Args(words));
}

using Texts = std::vector<std::string>;

TEST(SlowCommandArguments, ShortOnesAreKeptAsTheyAre) { EXPECT_EQ(kept({"get", "k"}), (Texts{"get", "k"})); }

TEST(SlowCommandArguments, LongArgumentIsCutWithANote) {
  std::string const exact(128, 'x');
  std::string const longer(173, 'a');
  EXPECT_EQ(kept({"set", exact, longer}), (Texts{"set", exact, std::string(128, 'a') + "... (45 more bytes)"}));
}

TEST(SlowCommandArguments, TheThirtySecondTellsHowManyAreMissing) {
  std::vector<std::string_view> words(45, "a");
  Texts texts = kept(words);
  ASSERT_EQ(texts.size(), 32u);
  EXPECT_EQ(texts.back(), "... (14 more arguments)");
  EXPECT_EQ(kept(std::vector<std::string_view>(32, "a")).back(), "a");
}

TEST(SlowCommandArguments, SecretsAreReplaced) {
  EXPECT_EQ(kept({"renamed", "u", "p"}, "auth"), (Texts{"renamed", "(redacted)", "(redacted)"}));
  EXPECT_EQ(kept({"hello", "3", "auth", "u", "p", "setname", "n"}, "hello"),
            (Texts{"hello", "3", "auth", "(redacted)", "(redacted)", "setname", "n"}));
  EXPECT_EQ(kept({"acl", "setuser", "u", ">p"}, "acl|setuser"), (Texts{"acl", "setuser", "(redacted)", "(redacted)"}));
  EXPECT_EQ(kept({"config", "set", "requirepass", "p", "hz", "10"}, "config|set"),
            (Texts{"config", "set", "requirepass", "(redacted)", "hz", "10"}));
  EXPECT_EQ(kept({"migrate", "h", "1", "", "0", "5", "auth2", "u", "p", "keys", "auth", "k"}, "migrate"),
            (Texts{"migrate", "h", "1", "", "0", "5", "auth2", "(redacted)", "(redacted)", "keys", "auth", "k"}));
}

TEST(SecretArguments, AWordAtTheEndHidesNothing) {
  std::vector<std::string_view> words = {"hello", "3", "auth"};
  EXPECT_TRUE(secret_arguments("hello", Args(words)).empty());
}

class SlowLogTest : public testing::Test {
 protected:
  SlowLogTest() {
    client.address = "1.2.3.4:5";
    client.set_name("name");
  }
  void set(std::string const& name, std::string const& value) {
    std::pair<std::string, std::string> pair{name, value};
    ASSERT_TRUE(config.set({&pair, 1}, {}));
  }
  void record(int64_t now_s) {
    std::string_view const word = "ping";
    log.record(client, command, Args(&word, 1), now_s * 1000, 7000, {.waited_us = 12, .lock_wait_us = 5});
  }

  config::Config config;
  ClientCard client;
  Command command;
  SlowLog log{config};
};

TEST_F(SlowLogTest, KeepsTheLatestAndCountsOn) {
  set("slowlog-max-len", "3");
  for (int i = 0; i < 5; i++) record(100 + i);
  ASSERT_EQ(log.size(), 3u);
  auto latest = log.latest(2);
  ASSERT_EQ(latest.size(), 2u);
  EXPECT_EQ(latest[0].id, 4u);
  EXPECT_EQ(latest[0].unix_s, 104);
  EXPECT_EQ(latest[0].microseconds, 7);
  EXPECT_EQ(latest[0].waited_us, 12);
  EXPECT_EQ(latest[0].lock_wait_us, 5);
  EXPECT_EQ(latest[0].client_address, "1.2.3.4:5");
  EXPECT_EQ(latest[0].client_name, "name");
  EXPECT_EQ(latest[1].id, 3u);
  log.clear();
  EXPECT_EQ(log.size(), 0u);
  record(1);
  EXPECT_EQ(log.latest(1)[0].id, 5u);
}

TEST_F(SlowLogTest, ALengthOfZeroKeepsNothing) {
  set("slowlog-max-len", "0");
  record(1);
  EXPECT_EQ(log.size(), 0u);
}

TEST_F(SlowLogTest, ThresholdNegativeMeansNever) {
  set("slowlog-log-slower-than", "0");
  EXPECT_TRUE(log.is_slow(0));
  set("slowlog-log-slower-than", "100");
  EXPECT_FALSE(log.is_slow(99'999));
  EXPECT_TRUE(log.is_slow(100'000));
  set("slowlog-log-slower-than", "-1");
  EXPECT_FALSE(log.is_slow(1'000'000'000));
}

}  // namespace
}  // namespace holdfast
