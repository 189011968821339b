#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "config/config.h"
#include "config/test_directory.h"

namespace holdfast::config {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string set(Config& config, Pairs const& pairs, SetContext const& context = {}) {
  auto const done = config.set(pairs, context);
  return done ? "OK" : done.error().message;
}

Pairs get(Config const& config, std::vector<std::string> const& patterns) { return config.get(patterns); }

TEST(ConfigGet, WordsAreLookedUpAndEchoedAndPatternsMatch) {
  Config const config("/");
  EXPECT_EQ(get(config, {"TimeOut"}), (Pairs{{"TimeOut", "0"}}));
  EXPECT_EQ(get(config, {"timeout", "TIMEOUT", "time*", "timeou?", "ti[m]eout"}), (Pairs{{"timeout", "0"}}));
  EXPECT_EQ(get(config, {"*-PRIORITY"}), (Pairs{{"replica-priority", "100"}, {"slave-priority", "100"}}));
  EXPECT_EQ(get(config, {"nosuch", "no*such", "", "ti\\meout"}), Pairs{});
  EXPECT_EQ(get(config, {"watchdog*"}), Pairs{});
  EXPECT_EQ(get(config, {"Watchdog-period"}), (Pairs{{"Watchdog-period", "0"}}));
  EXPECT_EQ(get(config, {"list-max-ziplist-entries"}), Pairs{});
}

TEST(ConfigGet, StarGivesAllButHiddenOnes) {
  Config const config("/");
  Pairs const all = get(config, {"*"});
  size_t expected = 0;
  for (Row const& row : rows()) expected += row.hidden ? 0 : row.alias.empty() ? 1 : 2;
  EXPECT_EQ(all.size(), expected);
  EXPECT_TRUE(std::ranges::find(all, std::pair<std::string, std::string>("hash-max-ziplist-value", "64")) != all.end());
}

TEST(ConfigSet, RefusalsComeInTheWordsOfTheReference) {
  Config config("/");
  struct Case {
    Pairs pairs;
    char const* message;
  };
  Case const cases[] = {
      {{{"nosuch", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
      {{{"timeout", "x"}, {"NoSuch", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'"},
      {{{"include", "x"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'include'"},
      {{{"DAEMONIZE", "yes"}},
       "ERR CONFIG SET failed (possibly related to argument 'DAEMONIZE') - can't set immutable config"},
      {{{"timeout", "x"}, {"daemonize", "yes"}},
       "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config"},
      {{{"partitions", "512"}},
       "ERR CONFIG SET failed (possibly related to argument 'partitions') - can't set immutable config"},
      {{{"DIR", "/tmp"}}, "ERR CONFIG SET failed (possibly related to argument 'DIR') - can't set protected config"},
      {{{"timeout", "1"}, {"TIMEOUT", "2"}},
       "ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter"},
      {{{"timeout", "1"}, {"timeout", "2"}, {"nosuch", "3"}},
       "ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter"},
      {{{"TimeOut", "x"}},
       "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer"},
      {{{"Slave-Priority", "x"}},
       "ERR CONFIG SET failed (possibly related to argument 'slave-priority') - argument couldn't be parsed into an "
       "integer"},
      {{{"maxmemory", "x"}},
       "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value"},
  };
  for (Case const& one : cases) EXPECT_EQ(set(config, one.pairs), one.message);
  EXPECT_EQ(config.integer(Directive::kTimeout), 0);
}

TEST(ConfigSet, OneWrongValueChangesNothing) {
  Config config("/");
  EXPECT_NE(
      set(config,
          {{"save", "1 1"}, {"client-output-buffer-limit", "normal 1 1 1"}, {"timeout", "5"}, {"appendonly", "x"}}),
      "OK");
  EXPECT_EQ(config.text(Directive::kSave), "3600 1 300 100 60 10000");
  EXPECT_EQ(config.integer(Directive::kTimeout), 0);
  EXPECT_EQ(config.output_limit(ClientClass::kNormal), ClientOutputLimit{});
}

TEST(ConfigSet, BothNamesOfADirectiveMayBeSetAndTheLastWins) {
  Config config("/");
  EXPECT_EQ(set(config, {{"replica-priority", "1"}, {"slave-priority", "2"}}), "OK");
  EXPECT_EQ(config.integer(Directive::kReplicaPriority), 2);
}

TEST(ConfigSet, SaveIsReplacedNotAddedTo) {
  Config config("/");
  EXPECT_EQ(set(config, {{"save", "5 6"}}), "OK");
  EXPECT_EQ(set(config, {{"save", "7 8"}}), "OK");
  EXPECT_EQ(config.save_points(), (std::vector<SavePoint>{{7, 8}}));
}

TEST(ConfigSet, ProtectedDirectivesFollowTheirSwitch) {
  auto const try_with = [](char const* mode, bool local) {
    Config config("/");
    EXPECT_TRUE(config.load_text(std::string("enable-protected-configs ") + mode + "\n"));
    return set(config, {{"dbfilename", "x.rdb"}}, {.local_connection = local}) == "OK";
  };
  EXPECT_FALSE(try_with("no", true));
  EXPECT_FALSE(try_with("local", false));
  EXPECT_TRUE(try_with("local", true));
  EXPECT_TRUE(try_with("yes", false));
}

TEST(ConfigSet, SomeAreRefusedWhileLoading) {
  Config config("/");
  EXPECT_EQ(set(config, {{"appendonly", "yes"}}, {.loading = true}), "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(set(config, {{"timeout", "1"}}, {.loading = true}), "OK");
}

TEST(ConfigSet, DirIsCanonicalAndRelativeOnesAreNoted) {
  TestDirectory const place;
  std::filesystem::create_directory(place.path() + "/d");
  Config config(place.path());
  ASSERT_TRUE(config.load_text("enable-protected-configs yes\n"));
  EXPECT_EQ(set(config, {{"dir", "d"}}), "OK");
  EXPECT_EQ(config.text(Directive::kDir), place.path() + "/d");
  EXPECT_TRUE(config.dir_was_relative());
  EXPECT_EQ(set(config, {{"dir", place.path()}, {"timeout", "x"}}).find("OK"), std::string::npos);
  EXPECT_TRUE(config.dir_was_relative());
  EXPECT_EQ(set(config, {{"dir", place.path()}}), "OK");
  EXPECT_FALSE(config.dir_was_relative());
}

TEST(ConfigHooks, RunOncePerCallAfterAllValuesAreSet) {
  Config config("/");
  std::vector<std::string> calls;
  config.on_change({Directive::kTimeout, Directive::kHz}, [&]() -> Status {
    calls.push_back(config.text(Directive::kTimeout) + "/" + config.text(Directive::kHz));
    return {};
  });
  auto const changed = config.set(Pairs{{"timeout", "7"}, {"hz", "20"}, {"maxmemory", "0"}}, {});
  ASSERT_TRUE(changed);
  EXPECT_EQ(*changed, (std::vector{Directive::kTimeout, Directive::kHz}));
  EXPECT_EQ(calls, (std::vector<std::string>{"7/20"}));
  EXPECT_EQ(set(config, {{"timeout", "7"}}), "OK");
  EXPECT_EQ(calls.size(), 1U) << "the same value is no change";
}

TEST(ConfigHooks, RunForTheSameValueWhereTheTableSaysSo) {
  Config config("/");
  int calls = 0;
  config.on_change({Directive::kTlsCertFile}, [&]() -> Status {
    ++calls;
    return {};
  });
  EXPECT_EQ(set(config, {{"tls-cert-file", ""}}), "OK");
  EXPECT_EQ(calls, 1);
}

TEST(ConfigHooks, AFailureRestoresValuesAndRunsTheHooksAgain) {
  Config config("/");
  std::vector<std::string> calls;
  config.on_change({Directive::kTimeout}, [&]() -> Status {
    calls.push_back("timeout " + config.text(Directive::kTimeout));
    return {};
  });
  config.on_change({Directive::kPort}, [&]() -> Status {
    calls.push_back("port " + config.text(Directive::kPort));
    if (config.integer(Directive::kPort) == 1) return fail("Unable to listen on this port. Check server logs.");
    return {};
  });
  config.on_change({Directive::kHz}, [&]() -> Status {
    calls.push_back("hz");
    return {};
  });
  EXPECT_EQ(set(config, {{"timeout", "9"}, {"port", "1"}, {"hz", "50"}}),
            "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server "
            "logs.");
  EXPECT_EQ(calls, (std::vector<std::string>{"timeout 9", "port 1", "timeout 0", "port 6379"}));
  EXPECT_EQ(config.integer(Directive::kPort), 6379);
  EXPECT_EQ(config.integer(Directive::kHz), 10);
}

TEST(ConfigHooks, AFailureWithoutWordsNamesTheArgumentOnly) {
  Config config("/");
  config.on_change({Directive::kReplicaPriority}, [] { return Status(fail("")); });
  EXPECT_EQ(set(config, {{"SLAVE-priority", "5"}}),
            "ERR CONFIG SET failed (possibly related to argument 'slave-priority')");
}

TEST(ConfigRunTime, TheServerMayCorrectValues) {
  Config config("/");
  config.override_number(Directive::kMaxclients, 4064);
  config.set_replica_of(ReplicaOf{"::1", 7000});
  EXPECT_EQ(get(config, {"maxclients", "slaveof"}), (Pairs{{"maxclients", "4064"}, {"slaveof", "::1 7000"}}));
  config.set_replica_of(std::nullopt);
  EXPECT_EQ(config.replica_of(), std::nullopt);
}

TEST(ConfigThreads, ReadersNeverSeeATornValueWhileOneSets) {
  Config config("/");
  std::string const first(100, 'a');
  std::string const second(100, 'b');
  ASSERT_EQ(set(config, {{"masterauth", first}}), "OK");
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread reader([&] {
    while (!done.load()) {
      std::string const seen = config.text(Directive::kMasterauth);
      if (seen != first && seen != second) ++torn;
      uint64_t const limit = config.memory(Directive::kMaxmemory);
      if (limit != 0 && limit != 1U << 30) ++torn;
    }
  });
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(set(config, {{"masterauth", i % 2 == 0 ? second : first}, {"maxmemory", i % 2 == 0 ? "1gb" : "0"}}),
              "OK");
  }
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace holdfast::config
