#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using StringsTest = CommandTest;

TEST_F(StringsTest, set_takes_its_options_in_any_order) {
  expect_dialogue(R"(
> SET k v
+OK
> SET k w NX
nil
> SET k w XX
+OK
> SET missing w XX
nil
> SET k x GET
"w"
> SET k y NX GET
"x"
> SET fresh y NX GET
nil
> GET fresh
"y"
> SET k v NX XX
-ERR syntax error
> SET k v EX 10 PX 10
-ERR syntax error
> SET k v EX 10 EX 20
+OK
> TTL k
:20
> SET k v KEEPTTL
+OK
> TTL k
:20
> SET k v KEEPTTL EX 5
-ERR syntax error
> SET k v PERSIST
-ERR syntax error
> SET k v EX
-ERR syntax error
> SET k v GET EX 0
-ERR invalid expire time in 'set' command
> SET k v EX abc
-ERR value is not an integer or out of range
> SET k v EX 9223372036854776
-ERR invalid expire time in 'set' command
> SET k v EXAT 9223372036854775
+OK
> PEXPIRETIME k
:9223372036854775000
> SET k v PXAT 9223372036854775807
+OK
> PEXPIRETIME k
:9223372036854775807
> EXPIRETIME k
:9223372036854776
> SET k v PX 500 NX
nil
> PEXPIRETIME k
:9223372036854775807
)");
}

TEST_F(StringsTest, an_expired_value_is_gone) {
  expect_dialogue(R"(
> SET k v PX 100
+OK
> SET old v PXAT 1
+OK
> GET old
nil
> DBSIZE
:1
)");
  move_clock(100);
  expect("GET k", "\"v\"");
  move_clock(1);
  expect("GET k", "nil");
  expect("DBSIZE", ":0");
}

TEST_F(StringsTest, reading_commands_that_change_the_key) {
  expect_dialogue(R"(
> SET k v
+OK
> GETEX k EX 100
"v"
> TTL k
:100
> GETEX k
"v"
> TTL k
:100
> GETEX k PERSIST
"v"
> TTL k
:-1
> GETEX k KEEPTTL
-ERR syntax error
> GETEX k PERSIST EX 1
-ERR syntax error
> GETEX missing EX abc
nil
> GETEX k PX 0
-ERR invalid expire time in 'getex' command
> GETEX k EXAT 1
"v"
> EXISTS k
:0
> GETSET k 1
nil
> GETSET k 2
"1"
> GETDEL k
"2"
> GETDEL k
nil
> SETNX k v
:1
> SETNX k v
:0
> SETEX k 0 v
-ERR invalid expire time in 'setex' command
> PSETEX k x v
-ERR value is not an integer or out of range
> PSETEX k 1500 v
+OK
> PTTL k
:1500
> TTL k
:2
)");
}

TEST_F(StringsTest, several_keys_at_once) {
  expect_dialogue(R"(
> MSET a 1 b 2 a 3
+OK
> MGET a b c a
["3" "2" nil "3"]
> MSET a
-ERR wrong number of arguments for 'mset' command
> MSET a 1 b
-ERR wrong number of arguments for 'mset' command
> MSETNX c 1 b 2
:0
> MGET c
[nil]
> MSETNX c 1 c 2
:1
> GET c
"2"
> MSETNX x
-ERR wrong number of arguments for 'msetnx' command
)");
}

TEST_F(StringsTest, encodings_follow_the_rule_of_set) {
  expect_dialogue(R"(
> SET k 12
+OK
> OBJECT ENCODING k
"int"
> SET k 012
+OK
> OBJECT ENCODING k
"embstr"
> APPEND k x
:4
> OBJECT ENCODING k
"raw"
> APPEND number 5
:1
> OBJECT ENCODING number
"int"
> SETRANGE fresh 0 x
:1
> OBJECT ENCODING fresh
"raw"
> INCRBYFLOAT f 1
"1"
> OBJECT ENCODING f
"embstr"
)");
  run("SET long " + std::string(45, 'x'));
  expect("OBJECT ENCODING long", "\"raw\"");
  run("SET long " + std::string(70'000, 'x'));
  expect("OBJECT ENCODING long", "\"raw\"");
  expect("STRLEN long", ":70000");
  EXPECT_EQ(run("GET long"), "\"" + std::string(70'000, 'x') + "\"");
}

TEST_F(StringsTest, counters) {
  expect_dialogue(R"(
> INCR n
:1
> DECRBY n 5
:-4
> SET n 9223372036854775807
+OK
> INCR n
-ERR increment or decrement would overflow
> DECRBY n -9223372036854775808
-ERR decrement would overflow
> INCRBY n x
-ERR value is not an integer or out of range
> SET n " 1"
+OK
> INCR n
-ERR value is not an integer or out of range
> SET n 5 EX 100
+OK
> INCR n
:6
> TTL n
:100
> APPEND n 0
:2
> INCR n
:61
> TTL n
:100
> INCRBYFLOAT n 0.5
"61.5"
> TTL n
:100
> INCRBYFLOAT n abc
-ERR value is not a valid float
> INCRBYFLOAT n inf
-ERR increment would produce NaN or Infinity
> GET n
"61.5"
)");
}

TEST_F(StringsTest, ranges) {
  expect_dialogue(R"(
> SET s "This is a string"
+OK
> GETRANGE s -3 -1
"ing"
> GETRANGE s -100 -50
"T"
> GETRANGE s -1 -5
""
> GETRANGE s 16 20
""
> GETRANGE s -9223372036854775808 9223372036854775807
"This is a string"
> SUBSTR missing 0 -1
""
> GETRANGE s a 1
-ERR value is not an integer or out of range
> SETRANGE s 18 end
:21
> GET s
"This is a string\x00\x00end"
> SETRANGE s -1 x
-ERR offset is out of range
> SETRANGE none 5 ""
:0
> EXISTS none
:0
> SETRANGE none 536870911 xx
-ERR string exceeds maximum allowed size (proto-max-bulk-len)
> SETRANGE none 9223372036854775807 x
-ERR string exceeds maximum allowed size (proto-max-bulk-len)
> APPEND e ""
:0
> EXISTS e
:1
)");
}

TEST_F(StringsTest, strings_grow_up_to_proto_max_bulk_len) {
  keyspace_.string_bytes_max = 10;
  expect_dialogue(R"(
> SET k 0123456789
+OK
> APPEND k ""
:10
> APPEND k x
-ERR string exceeds maximum allowed size (proto-max-bulk-len)
> SETRANGE k 9 x
:10
> SETRANGE k 9 xy
-ERR string exceeds maximum allowed size (proto-max-bulk-len)
)");
}

TEST_F(StringsTest, a_long_string_that_is_being_sent_does_not_change) {
  std::string text(100'000, 'a');
  run("SET k " + text);
  std::vector<std::string_view> get = {"GET", "k"};
  OutputBuffer out;
  Reply reply(out, 2);
  ASSERT_EQ(gate_execute(Args(get), reply), Gate::Outcome::kDone);
  expect("SETRANGE k 0 bbb", ":100000");
  EXPECT_EQ(out.to_string(), "$100000\r\n" + text + "\r\n");
  expect("GETRANGE k 0 3", "\"bbba\"");
}

TEST_F(StringsTest, effects_in_the_log) {
  run("FLUSHALL");
  expect_logged("set k v", "set k v");
  expect_logged("set k v ex 10 nx", "");
  expect_logged("set k v ex 10 xx get", "SET k v PXAT 1700000010000");
  expect_logged("set k v pxat 1800000000000", "SET k v PXAT 1800000000000");
  expect_logged("SET k get GET get", "SET k get");
  expect_logged("set k v KEEPTTL", "set k v KEEPTTL");
  expect_logged("setnx k v", "");
  expect_logged("setnx k2 v", "setnx k2 v");
  expect_logged("setex k 1 v", "SET k v PXAT 1700000001000");
  expect_logged("psetex k 5 v", "SET k v PXAT 1700000000005");
  expect_logged("getex k", "");
  expect_logged("getex k px 7", "PEXPIREAT k 1700000000007");
  expect_logged("getex k persist", "PERSIST k");
  expect_logged("getex k persist", "");
  expect_logged("getex k exat 1", "DEL k");
  expect_logged("getset k 1", "SET k 1");
  expect_logged("getdel k", "DEL k");
  expect_logged("getdel k", "");
  expect_logged("incrby n 10", "incrby n 10");
  expect_logged("incrbyfloat n 1.5", "SET n 11.5 KEEPTTL");
  expect_logged("append n 1", "append n 1");
  expect_logged("setrange n 0 \"\"", "");
  expect_logged("setrange n 0 x", "setrange n 0 x");
  expect_logged("incr n", "");
  expect_logged("mset a 1 b 2", "mset a 1 b 2");
  expect_logged("msetnx a 1 c 2", "");
  expect_logged("mget a b c", "");
}

TEST_F(StringsTest, a_write_to_an_expired_key_logs_its_end_first) {
  run("FLUSHALL");
  for (std::string command : {"set k w", "setnx k w", "append k w", "setrange k 0 w", "incr k", "mset k w"}) {
    run("SET k v PXAT 1");
    expect_logged(command, "MULTI | DEL k | " + command + " | EXEC");
  }
}

}  // namespace
}  // namespace holdfast
