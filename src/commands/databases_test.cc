#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using DatabasesTest = CommandTest;

TEST_F(DatabasesTest, flush) {
  expect_dialogue(R"(
> MSET a 1 b 2
+OK
> SELECT 1
+OK
> SET a 1
+OK
> FLUSHDB FOO
-ERR syntax error
> FLUSHDB ASYNC SYNC
-ERR syntax error
> FLUSHDB async
+OK
> DBSIZE
:0
> SELECT 0
+OK
> DBSIZE
:2
> SELECT 1
+OK
> FLUSHALL SYNC
+OK
> SELECT 0
+OK
> DBSIZE
:0
)");
}

TEST_F(DatabasesTest, swap) {
  expect_dialogue(R"(
> SET k zero
+OK
> SWAPDB 0 1
+OK
> EXISTS k
:0
> SELECT 1
+OK
> GET k
"zero"
> SWAPDB 1 1
+OK
> GET k
"zero"
> SWAPDB x y
-ERR invalid first DB index
> SWAPDB 0 9223372036854775807
-ERR invalid second DB index
> SWAPDB 0 16
-ERR DB index is out of range
> SWAPDB -1 0
-ERR DB index is out of range
)");
}

TEST_F(DatabasesTest, effects_in_the_log) {
  expect_logged("flushall", "SELECT 0 | flushall");
  expect_logged("flushdb async", "flushdb async");
  expect_logged("swapdb 0 1", "swapdb 0 1");
  expect_logged("swapdb 1 1", "swapdb 1 1");
  expect_logged("swapdb 0 16", "");
  run("SELECT 3");
  expect_logged("flushdb", "SELECT 3 | flushdb");
}

TEST_F(DatabasesTest, what_counts_as_a_change_since_the_last_save) {
  auto const changes = [&](std::string_view line) {
    uint64_t const before = keyspace_.sum(&Partition::dirty);
    run(line);
    return keyspace_.sum(&Partition::dirty) - before;
  };
  EXPECT_EQ(changes("MSET a 1 b 2 c 3"), 3u);
  EXPECT_EQ(changes("RENAME a b"), 1u);
  EXPECT_EQ(changes("RENAMENX b d"), 1u);
  EXPECT_EQ(changes("MOVE d 1"), 1u);
  EXPECT_EQ(changes("COPY c e"), 1u);
  EXPECT_EQ(changes("DEL c e missing"), 2u);
  EXPECT_EQ(changes("FLUSHDB"), 0u);
  EXPECT_EQ(changes("FLUSHALL"), 1u);
  EXPECT_EQ(changes("FLUSHALL"), 0u);
  EXPECT_EQ(changes("SWAPDB 0 1"), 1u);
  EXPECT_EQ(changes("SWAPDB 1 1"), 1u);
  EXPECT_EQ(changes("SET k v PX 5"), 1u);
  move_clock(10);
  EXPECT_EQ(changes("GET k"), 0u);
  expect_logged("FLUSHDB", "FLUSHDB");
}

}  // namespace
}  // namespace holdfast
