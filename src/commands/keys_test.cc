#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using KeysTest = CommandTest;

TEST_F(KeysTest, existence) {
  expect_dialogue(R"(
> MSET a 1 b 2 c 3
+OK
> EXISTS a a missing
:2
> TOUCH a missing b
:2
> TYPE a
+string
> TYPE missing
+none
> DEL a a missing
:1
> UNLINK b c b
:2
> DBSIZE
:0
> DEL
-ERR wrong number of arguments for 'del' command
)");
}

TEST_F(KeysTest, rename) {
  expect_dialogue(R"(
> SET a 1 EX 100
+OK
> RENAME a b
+OK
> EXISTS a
:0
> TTL b
:100
> RENAME b b
+OK
> RENAME a a
-ERR no such key
> RENAMENX b b
:0
> SET c 2
+OK
> RENAMENX b c
:0
> RENAME c b
+OK
> TTL b
:-1
> OBJECT ENCODING b
"int"
> RENAMENX b new
:1
> RENAMENX missing x
-ERR no such key
)");
}

TEST_F(KeysTest, copy) {
  expect_dialogue(R"(
> SET a v EX 100
+OK
> COPY a b
:1
> TTL b
:100
> COPY a b
:0
> COPY a a
-ERR source and destination objects are the same
> COPY missing missing
-ERR source and destination objects are the same
> COPY missing x
:0
> COPY a a DB 1
:1
> COPY a a DB 1 DB 2
:1
> COPY a a DB 16
-ERR DB index is out of range
> COPY a a DB 4294967296
-ERR value is out of range, value must between -2147483648 and 2147483647
> COPY a b DB
-ERR syntax error
> COPY a b FOO
-ERR syntax error
> SET a w
+OK
> COPY a b REPLACE
:1
> GET b
"w"
> TTL b
:-1
> SELECT 2
+OK
> GET a
"v"
)");
}

TEST_F(KeysTest, a_copied_long_string_is_a_value_of_its_own) {
  std::string text(50'000, 'a');
  run("SET a " + text);
  expect("COPY a b", ":1");
  expect("SETRANGE a 0 xyz", ":50000");
  expect("GETRANGE b 0 3", "\"aaaa\"");
  expect("GETRANGE a 0 3", "\"xyza\"");
}

TEST_F(KeysTest, move) {
  expect_dialogue(R"(
> SET m v EX 100
+OK
> MOVE m 0
-ERR source and destination objects are the same
> MOVE missing 0
-ERR source and destination objects are the same
> MOVE m 16
-ERR DB index is out of range
> MOVE m x
-ERR value is not an integer or out of range
> MOVE missing 1
:0
> MOVE m 1
:1
> EXISTS m
:0
> SET m other
+OK
> MOVE m 1
:0
> SELECT 1
+OK
> GET m
"v"
> TTL m
:100
)");
}

TEST_F(KeysTest, effects_in_the_log) {
  run("FLUSHALL");
  run("MSET a 1 b 2");
  expect_logged("del a missing", "del a missing");
  expect_logged("del a", "");
  expect_logged("unlink b", "unlink b");
  run("SET a 1");
  expect_logged("rename a a", "");
  expect_logged("rename a b", "rename a b");
  expect_logged("renamenx b b", "");
  expect_logged("copy b c db 3", "copy b c db 3");
  expect_logged("copy b c db 3", "");
  expect_logged("move b 4", "move b 4");
  expect_logged("exists c", "");
}

TEST_F(KeysTest, an_expired_destination_is_no_obstacle) {
  run("FLUSHALL");
  run("SET a v");
  run("SET gone v PXAT 1");
  expect_logged("renamenx a gone", "MULTI | DEL gone | renamenx a gone | EXEC");
  run("SET a v PXAT 1");
  expect_logged("rename gone a", "MULTI | DEL a | rename gone a | EXEC");
  run("SET gone v PXAT 1");
  expect_logged("copy a gone", "MULTI | DEL gone | copy a gone | EXEC");
  run("SET gone v PXAT 1");
  expect_logged("copy a gone replace", "MULTI | DEL gone | copy a gone replace | EXEC");
  run("SET gone v PXAT 1");
  expect_logged("del gone", "DEL gone");
  expect("EXISTS gone", ":0");
}

TEST_F(KeysTest, the_end_of_a_key_is_seen_by_every_command) {
  run("FLUSHALL");
  for (std::string command : {"exists gone", "type gone", "ttl gone", "get gone", "touch gone", "persist gone",
                              "expire gone 10", "object encoding gone", "dump gone", "strlen gone", "getex gone"}) {
    run("SET gone v PXAT 1");
    expect_logged(command, "DEL gone");
  }
}

}  // namespace
}  // namespace holdfast
