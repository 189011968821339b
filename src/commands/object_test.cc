#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using ObjectTest = CommandTest;

TEST_F(ObjectTest, refcount_of_small_integers) {
  expect_dialogue(R"(
> MSET zero 0 last 9999 next 10000 negative -1 text abc
+OK
> OBJECT REFCOUNT zero
:2147483647
> OBJECT REFCOUNT last
:2147483647
> OBJECT REFCOUNT next
:1
> OBJECT REFCOUNT negative
:1
> OBJECT REFCOUNT text
:1
> OBJECT REFCOUNT missing
nil
)");
  keyspace_.integers_shared = false;
  expect("OBJECT REFCOUNT zero", ":1");
}

TEST_F(ObjectTest, idle_time_is_not_touched_by_looking) {
  run("SET k v");
  move_clock(60'000);
  expect("OBJECT IDLETIME k", ":60");
  for (std::string look : {"OBJECT ENCODING k", "TYPE k", "TTL k", "EXISTS k", "MEMORY USAGE k"}) {
    run(look);
    expect("OBJECT IDLETIME k", ":60");
  }
  run("GET k");
  expect("OBJECT IDLETIME k", ":0");
  expect("OBJECT IDLETIME missing", "nil");
  EXPECT_TRUE(run("OBJECT FREQ k").starts_with("-ERR An LFU maxmemory policy is not selected"));
  expect("OBJECT FREQ missing", "nil");
}

TEST_F(ObjectTest, frequency_needs_a_policy) {
  keyspace_.access().lfu = true;
  run("SET k v");
  expect("OBJECT FREQ k", ":5");
  EXPECT_TRUE(run("OBJECT IDLETIME k").starts_with("-ERR An LFU maxmemory policy is selected"));
}

TEST_F(ObjectTest, help_and_what_does_not_exist) {
  std::string help = run("OBJECT HELP");
  EXPECT_TRUE(help.starts_with("[+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are: +ENCODING <key> "))
      << help;
  EXPECT_NE(help.find(" +HELP +    "), std::string::npos) << help;
  expect("OBJECT FOO bar", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.");
  expect("OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command");
  expect("OBJECT", "-ERR wrong number of arguments for 'object' command");
}

TEST_F(ObjectTest, memory_usage_grows_with_the_value) {
  auto usage = [&](std::string const& key) { return parse_int64(run("MEMORY USAGE " + key).substr(1)).value(); };
  run("SET k v");
  int64_t small = usage("k");
  EXPECT_GT(small, 0);
  run("SET k " + std::string(1000, 'x'));
  EXPECT_GE(usage("k"), small + 990);
  run("SET k " + std::string(100'000, 'x'));
  EXPECT_GE(usage("k"), 100'000);
  expect_dialogue(R"(
> MEMORY USAGE missing
nil
> MEMORY USAGE missing FOO
-ERR syntax error
> MEMORY USAGE k SAMPLES
-ERR syntax error
> MEMORY USAGE k SAMPLES -1
-ERR syntax error
> MEMORY USAGE k SAMPLES x
-ERR value is not an integer or out of range
)");
}

TEST_F(ObjectTest, the_frequency_of_a_key_survives_a_set) {
  keyspace_.access().lfu = true;
  // Up to 5 every access counts; from there on by chance.
  expect(R"(RESTORE k 0 "\x00\x01a\n\x00\xbf\xfe\xef\x9b\x8f6}\xb4" FREQ 2)", "+OK");
  run("SET k v");
  run("SET k 17");
  run("SETEX k 100 v");
  expect("OBJECT FREQ k", ":5");
  keyspace_.access().lfu_log_factor = 1'000'000'000;
  run("RENAME k l");
  expect("OBJECT FREQ l", ":6");
  run("COPY l k");
  expect("OBJECT FREQ k", ":5");
  for (std::string line : {"SET l v", "SET l v EX 10", "GETSET l v", "MSET l 1", "INCR l", "INCRBYFLOAT l 0.5", "SET l 7"}) {
    run(line);
    expect("OBJECT FREQ l", ":6");
  }
  run("DEL l");
  run("SET l v");
  expect("OBJECT FREQ l", ":5");
}

}  // namespace
}  // namespace holdfast
