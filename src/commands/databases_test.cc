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

}  // namespace
}  // namespace holdfast
