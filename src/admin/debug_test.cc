#include "admin/admin_fixture.h"

// Digests and texts are those of redis-server 7.0.15 for the same commands.

namespace holdfast {
namespace {

class DebugTest : public AdminTest {};

TEST_F(DebugTest, Digest) {
  slice_us_ = 0;
  expect("debug digest", "+0000000000000000000000000000000000000000");
  expect_dialogue(R"(
> mset a 1 b hello n -5 big 123456789012 f 3.14 e "" t x
+OK
> expire t 10000
:1
> debug digest
+f0d3ef01746b2a1c81d9a299a88d868b89309802
> debug digest-value a b n big f e t zz
[+b4fc66738120fba0b5aa500ab5c2bf89cea1c5da +36b23a1456b2dce2c3ed252c456761301dba8060 +b8fe4ac02b2f7e40537890f8b06b1107798d89e1 +116773326adc5913f9494119af445137dfd552e7 +a1074fe106dbfdd0a16a345b5f8b79dad67237d3 +8b3447c33a834b810e3e181b6fd6a2ee1020921c +0745672cb1bf060476eedeb8a28f5ffe1ff5a2be +0000000000000000000000000000000000000000]
> select 3
+OK
> set k v
+OK
> debug digest
+0323818962ed8abd6707d59f76ed581d42a08511
> multi
+OK
> debug digest
+QUEUED
> exec
[+0323818962ed8abd6707d59f76ed581d42a08511]
)");
}

TEST_F(DebugTest, DigestOfManyKeysIsDoneInSlices) {
  run("debug populate 2000");
  run("multi");
  run("debug digest");
  std::string const whole = run("exec");
  slice_us_ = 0;
  expect("debug digest", whole.substr(1, whole.size() - 2));
  EXPECT_GE(slices_, static_cast<int>(keyspace_.partition_count()));
}

TEST_F(DebugTest, ExpiredKeysAreInTheDigestUntilTheyAreDeleted) {
  run("set a 1");
  std::string const digest = run("debug digest");
  run("set b 2 px 100");
  std::string const both = run("debug digest");
  EXPECT_NE(both, digest);
  move_clock(101);
  EXPECT_EQ(run("debug digest"), both);
  run("get b");
  EXPECT_EQ(run("debug digest"), digest);
}

TEST_F(DebugTest, Populate) {
  slice_us_ = 0;
  expect_dialogue(R"(
> debug populate x
-ERR value is out of range, must be positive
> debug populate -1
-ERR value is out of range, must be positive
> debug populate 3 a 4 x
-ERR unknown subcommand or wrong number of arguments for 'populate'. Try DEBUG HELP.
> set key:1 mine
+OK
> debug populate 3
+OK
> mget key:0 key:1 key:2 key:3
["value:0" "mine" "value:2" nil]
> debug populate 2 bar 10
+OK
> get bar:1
"value:1\x00\x00\x00"
> debug populate 1 foo 4
+OK
> get foo:0
"valu"
> dbsize
:6
)");
  expect_logged("debug populate 5 unlogged", "");
}

TEST_F(DebugTest, Object) {
  expect("debug object nothing", "-ERR no such key");
  run("set a 1");
  std::string const integer = run("debug object a");
  EXPECT_TRUE(integer.starts_with("+Value at:0x")) << integer;
  EXPECT_NE(integer.find(" refcount:2147483647 encoding:int serializedlength:2 lru:"), std::string::npos) << integer;
  EXPECT_TRUE(integer.ends_with(" lru_seconds_idle:0"));
  move_clock(7000);
  EXPECT_TRUE(run("debug object a").ends_with(" lru_seconds_idle:7"));
  run("set big " + std::string(120, 'a'));
  EXPECT_NE(run("debug object big").find(" encoding:raw serializedlength:13 "), std::string::npos);
}

TEST_F(DebugTest, SleepKeepsOnlyItsOwnConnectionWaiting) {
  std::vector<std::string_view> const words = {"debug", "sleep", "0.5"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  move_clock(499);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kWait);
  move_clock(1);
  EXPECT_EQ(session_->running->slice(reply, 100), Task::Progress::kDone);
  EXPECT_EQ(out.to_string(), "+OK\r\n");
  session_->running.reset();
  expect("debug sleep abc", "+OK");
}

TEST_F(DebugTest, Protocol) {
  EXPECT_EQ(send({"debug", "protocol", "map"}), "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n");
  EXPECT_EQ(send({"debug", "protocol", "attrib"}), "$39\r\nSome real reply following the attribute\r\n");
  EXPECT_EQ(send({"debug", "protocol", "push"}), "-ERR RESP2 is not supported by this command\r\n");
  EXPECT_EQ(send({"debug", "protocol", "bignum"}), "$37\r\n1234567999999999999999999999999999999\r\n");
  session_->set_protocol(3);
  EXPECT_EQ(send({"debug", "protocol", "map"}), "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
  EXPECT_EQ(send({"debug", "protocol", "attrib"}),
            "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the "
            "attribute\r\n");
  EXPECT_EQ(send({"debug", "protocol", "push"}),
            ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n");
  EXPECT_EQ(send({"debug", "protocol", "verbatim"}), "=29\r\ntxt:This is a verbatim\nstring\r\n");
  EXPECT_EQ(send({"debug", "protocol", "double"}), ",3.141\r\n");
}

TEST_F(DebugTest, SmallOnes) {
  expect_dialogue(R"(
> debug error "FOO bar"
-FOO bar
> debug log hello
+OK
> debug foo
-ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP.
> debug digest x
-ERR unknown subcommand or wrong number of arguments for 'digest'. Try DEBUG HELP.
> debug sleep
-ERR unknown subcommand or wrong number of arguments for 'sleep'. Try DEBUG HELP.
> debug protocol foo
-ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
> debug htstats 99
-ERR Out of range database
> debug htstats x
-ERR value is not an integer or out of range
> debug htstats-key nothing
-ERR no such key
> set a 1
+OK
> debug htstats-key a
-ERR The value stored at the specified key is not represented using an hash table
> debug reload foo
-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
> debug stringmatch-len 3 a*a
:1
> debug stringmatch-len 3 b*
:0
> debug stringmatch-test
+Apparently Redis did not crash: test passed
)");
  EXPECT_NE(text("debug htstats 0").find(" number of elements: 1\n"), std::string::npos);
}

TEST_F(DebugTest, NotAllowedUnlessConfigured) {
  ASSERT_TRUE(config_.load_text("enable-debug-command no\n"));
  EXPECT_TRUE(run("debug sleep 0").starts_with("-ERR DEBUG command not allowed."));
}

}  // namespace
}  // namespace holdfast
