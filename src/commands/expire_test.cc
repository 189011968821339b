#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using ExpireTest = CommandTest;

TEST_F(ExpireTest, readers_round_to_the_nearest_second) {
  expect_dialogue(R"(
> SET k v
+OK
> TTL k
:-1
> PEXPIRETIME k
:-1
> TTL missing
:-2
> PEXPIRETIME missing
:-2
> PEXPIREAT k 20000000000499
:1
> EXPIRETIME k
:20000000000
> PEXPIREAT k 20000000000500
:1
> EXPIRETIME k
:20000000001
> PEXPIRE k 1499
:1
> TTL k
:1
> PTTL k
:1499
> PERSIST k
:1
> PERSIST k
:0
> PERSIST missing
:0
)");
}

TEST_F(ExpireTest, conditions) {
  expect_dialogue(R"(
> SET k v
+OK
> EXPIRE k 100 XX
:0
> EXPIRE k 100 GT
:0
> EXPIRE k 100 LT
:1
> EXPIRE k 100 NX
:0
> EXPIRE k 100 GT
:0
> EXPIRE k 101 GT
:1
> EXPIRE k 101 LT
:0
> EXPIRE k 100 XX LT
:1
> EXPIRE k 200 LT XX
:0
> EXPIRE k 200 nx nx
:0
> PERSIST k
:1
> EXPIRE k 100 NX
:1
> EXPIRE k 100 NX GT
-ERR NX and XX, GT or LT options at the same time are not compatible
> EXPIRE k 100 GT LT
-ERR GT and LT options at the same time are not compatible
> EXPIRE k 100 NX XX FOO
-ERR Unsupported option FOO
> EXPIRE missing abc FOO
-ERR Unsupported option FOO
> EXPIRE missing abc
-ERR value is not an integer or out of range
> EXPIRE missing 1
:0
)");
}

TEST_F(ExpireTest, the_ends_of_time) {
  expect_dialogue(R"(
> SET k v
+OK
> EXPIRE k 9223372036854776
-ERR invalid expire time in 'expire' command
> EXPIRE k -9223372036854776
-ERR invalid expire time in 'expire' command
> EXPIRE k 9223372036854775
-ERR invalid expire time in 'expire' command
> EXPIREAT k 9223372036854775
:1
> PEXPIRETIME k
:9223372036854775000
> PEXPIREAT k 9223372036854775807
:1
> PEXPIRETIME k
:9223372036854775807
> GET k
"v"
> PEXPIREAT k 140737488355327
:1
> PEXPIRETIME k
:140737488355327
> PEXPIREAT k 140737488355328
:1
> PEXPIRETIME k
:140737488355328
> PEXPIRE k 10
:1
> PTTL k
:10
> PEXPIRE k -9223372036854775808
:1
> EXISTS k
:0
)");
}

TEST_F(ExpireTest, effects_in_the_log) {
  run("FLUSHALL");
  run("SET k v");
  expect_logged("expire missing 10", "");
  expect_logged("expire k 10 xx", "");
  expect_logged("expire k 10", "PEXPIREAT k 1700000010000");
  expect_logged("pexpire k 20000 gt", "PEXPIREAT k 1700000020000 gt");
  expect_logged("expireat k 1800000000 xx", "PEXPIREAT k 1800000000000 xx");
  expect_logged("pexpireat k 1900000000000 GT", "pexpireat k 1900000000000 GT");
  expect_logged("persist k", "persist k");
  expect_logged("persist k", "");
  expect_logged("expire k 0", "DEL k");
}

TEST_F(ExpireTest, lazy_deletions_are_logged_as_unlink) {
  auto const deletions = [&] {
    std::string words;
    auto const note = [&](std::string_view line) { words += logged(line) + "; "; };
    run("SET k v");
    note("EXPIRE k -1");
    run("SET k v");
    note("GETEX k EXAT 1");
    run("SET k v PX 5");
    move_clock(10);
    note("GET k");
    run("SET k v PX 5");
    move_clock(10);
    note("SET k w");
    note("GETDEL k");
    run("SET k v");
    note("DEL k");
    return words;
  };
  EXPECT_EQ(deletions(), "DEL k; DEL k; DEL k; MULTI | DEL k | SET k w | EXEC; DEL k; DEL k; ");
  keyspace_.logs_expiry_as_unlink = true;
  EXPECT_EQ(deletions(), "UNLINK k; UNLINK k; UNLINK k; MULTI | UNLINK k | SET k w | EXEC; DEL k; DEL k; ");
  keyspace_.logs_expiry_as_unlink = false;
  keyspace_.logs_user_del_as_unlink = true;
  EXPECT_EQ(deletions(), "DEL k; DEL k; DEL k; MULTI | DEL k | SET k w | EXEC; UNLINK k; DEL k; ");
}

}  // namespace
}  // namespace holdfast
