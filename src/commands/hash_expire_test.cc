#include "commands/command_fixture.h"
#include "keyspace/expiry_cycle.h"

namespace holdfast {
namespace {

// Fields of hashes that expire, as Redis 7.4 and 8.0 document them. The clock stands at 1'700'000'000'000.
class HashExpire : public CommandTest {
 protected:
  /// One slice of active expiry.
  ExpiryCycle::Progress expire_actively(int64_t budget_us = 1'000'000) {
    return cycle_.run(scratch_, clock_.ms(), budget_us);
  }
  uint64_t expired_fields() { return keyspace_.sum(&Partition::expired_fields); }

 private:
  ExpiryCycle cycle_{keyspace_, 0, 1};
  TxnScratch scratch_;
};

TEST_F(HashExpire, TimesInAllFormsAndBack) {
  expect_dialogue(R"(
> HSET h a 1 b 2 c 3 d 4 e 5
:5
> HEXPIRE h 100 FIELDS 2 a nothing
[:1 :-2]
> HPEXPIRE h 1500 FIELDS 1 b
[:1]
> HEXPIREAT h 1700000200 FIELDS 1 c
[:1]
> HPEXPIREAT h 1700000300001 FIELDS 1 d
[:1]
> HTTL h FIELDS 6 a b c d e nothing
[:100 :2 :200 :301 :-1 :-2]
> HPTTL h FIELDS 6 a b c d e nothing
[:100000 :1500 :200000 :300001 :-1 :-2]
> HEXPIRETIME h FIELDS 4 a b c d
[:1700000100 :1700000002 :1700000200 :1700000301]
> HPEXPIRETIME h FIELDS 6 a b c d e nothing
[:1700000100000 :1700000001500 :1700000200000 :1700000300001 :-1 :-2]
> HPERSIST h FIELDS 3 a e nothing
[:1 :-1 :-2]
> HTTL h FIELDS 1 a
[:-1]
> HTTL nokey FIELDS 2 a b
[:-2 :-2]
> HPERSIST nokey FIELDS 1 a
[:-2]
> HEXPIRE nokey 10 FIELDS 2 a b
[:-2 :-2]
> EXISTS nokey
:0
)");
}

TEST_F(HashExpire, Conditions) {
  expect_dialogue(R"(
> HSET h a 1 b 2
:2
> HEXPIRE h 100 XX FIELDS 1 a
[:0]
> HEXPIRE h 100 GT FIELDS 1 a
[:0]
> HEXPIRE h 100 NX FIELDS 1 a
[:1]
> HEXPIRE h 200 NX FIELDS 2 a b
[:0 :1]
> HEXPIRE h 100 gt FIELDS 1 a
[:0]
> HEXPIRE h 101 GT FIELDS 1 a
[:1]
> HEXPIRE h 101 LT FIELDS 1 a
[:0]
> HEXPIRE h 50 lt FIELDS 2 a b
[:1 :1]
> HPERSIST h FIELDS 1 b
[:1]
> HEXPIRE h 1000 LT FIELDS 1 b
[:1]
> HEXPIRE h 60 XX FIELDS 2 a b
[:1 :1]
> HPTTL h FIELDS 2 a b
[:60000 :60000]
> HEXPIRE h 0 NX FIELDS 1 a
[:0]
> HEXPIRE h 0 LT FIELDS 1 a
[:2]
> HGETALL h
["b" "2"]
)");
}

TEST_F(HashExpire, AMomentOfThePastDeletes) {
  expect_dialogue(R"(
> HSET h a 1 b 2 c 3
:3
> HEXPIRE h 0 FIELDS 2 a nothing
[:2 :-2]
> HPEXPIREAT h 1700000000000 FIELDS 1 b
[:2]
> HGETALL h
["c" "3"]
> HEXPIREAT h 1 FIELDS 1 c
[:2]
> EXISTS h
:0
)");
}

TEST_F(HashExpire, Errors) {
  run("HSET h a 1");
  run("SET s text");
  expect_dialogue(R"(
> HEXPIRE s 10 FIELDS 1 a
-WRONGTYPE Operation against a key holding the wrong kind of value
> HTTL s FIELDS 1 a
-WRONGTYPE Operation against a key holding the wrong kind of value
> HPERSIST s FIELDS 1 a
-WRONGTYPE Operation against a key holding the wrong kind of value
> HGETEX s FIELDS 1 a
-WRONGTYPE Operation against a key holding the wrong kind of value
> HSETEX s FIELDS 1 a v
-WRONGTYPE Operation against a key holding the wrong kind of value
> HGETDEL s FIELDS 1 a
-WRONGTYPE Operation against a key holding the wrong kind of value
> HEXPIRE h 10 FIELDS 1
-ERR wrong number of arguments for 'hexpire' command
> HEXPIRE h abc FIELDS 1 a
-ERR value is not an integer or out of range
> HEXPIRE h -1 FIELDS 1 a
-ERR invalid expire time, must be >= 0
> HEXPIRE h 9223372036854775807 FIELDS 1 a
-ERR invalid expire time in 'hexpire' command
> HPEXPIRE h 70368744177663 FIELDS 1 a
-ERR invalid expire time in 'hpexpire' command
> HPEXPIREAT h 70368744177664 FIELDS 1 a
-ERR invalid expire time in 'hpexpireat' command
> HPEXPIREAT h 70368744177663 FIELDS 1 a
[:1]
> HEXPIRE h 10 NX XX FIELDS 1 a
-ERR Mandatory argument FIELDS is missing or not at the right position
> HEXPIRE h 10 FIELD 1 a b
-ERR Mandatory argument FIELDS is missing or not at the right position
> HEXPIRE h 10 FIELDS 0 a
-ERR Parameter `numFields` should be greater than 0
> HEXPIRE h 10 FIELDS x a
-ERR Parameter `numFields` should be greater than 0
> HEXPIRE h 10 FIELDS 2 a
-ERR The `numfields` parameter must match the number of arguments
> HEXPIRE h 10 FIELDS 1 a b
-ERR The `numfields` parameter must match the number of arguments
> HTTL h 1 FIELDS a
-ERR Mandatory argument FIELDS is missing or not at the right position
> HTTL h FIELDS 0 a
-ERR Number of fields must be a positive integer
> HTTL h FIELDS 2 a
-ERR The `numfields` parameter must match the number of arguments
> HPERSIST h FIELDS -1 a
-ERR Number of fields must be a positive integer
> HGETDEL h FIELDS 2 a
-ERR The `numfields` parameter must match the number of arguments
> HGETDEL h FOO 1 a
-ERR Mandatory argument FIELDS is missing or not at the right position
> HGETEX h EX 10 PERSIST FIELDS 1 a
-ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified
> HGETEX h KEEPTTL FIELDS 1 a
-ERR unknown argument: KEEPTTL
> HGETEX h EX -1 FIELDS 1 a
-ERR invalid expire time, must be >= 0
> HGETEX h PX 10 FOO 1 a
-ERR unknown argument: FOO
> HSETEX h FNX FXX FIELDS 1 a v
-ERR Only one of FXX or FNX arguments can be specified
> HSETEX h EX 10 KEEPTTL FIELDS 1 a v
-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
> HSETEX h PERSIST FIELDS 1 a v
-ERR unknown argument: PERSIST
> HSETEX h FIELDS 1 a v b
-ERR The `numfields` parameter must match the number of arguments
> HSETEX h FIELDS 2 a v
-ERR The `numfields` parameter must match the number of arguments
> HSETEX h FIELDS 1 a
-ERR wrong number of arguments for 'hsetex' command
> HSETEX h FIELDS 2 a v b
-ERR The `numfields` parameter must match the number of arguments
> HSETEX h EXAT abc FIELDS 1 a v
-ERR value is not an integer or out of range
> HGET h a
"1"
)");
}

TEST_F(HashExpire, GettersAndSetters) {
  expect_dialogue(R"(
> HSETEX h EX 100 FIELDS 2 a 1 b 2
:1
> HPTTL h FIELDS 2 a b
[:100000 :100000]
> HSETEX h FNX FIELDS 2 b 9 new 9
:0
> HSETEX h FXX FIELDS 2 b 9 new 9
:0
> HSETEX h FXX KEEPTTL FIELDS 2 a 3 b 4
:1
> HPTTL h FIELDS 2 a b
[:100000 :100000]
> HSETEX h fnx px 5000 fields 1 c 5
:1
> HSETEX h FIELDS 1 a 6
:1
> HPTTL h FIELDS 3 a b c
[:-1 :100000 :5000]
> HGETEX h FIELDS 2 a nothing
["6" nil]
> HGETEX h PXAT 1700000000500 FIELDS 3 a b nothing
["6" "4" nil]
> HGETEX h PERSIST FIELDS 1 b
["4"]
> HPTTL h FIELDS 3 a b c
[:500 :-1 :5000]
> HGETEX h EX 0 FIELDS 1 a
["6"]
> HGETDEL h FIELDS 3 a b b
[nil "4" nil]
> HGETALL h
["c" "5"]
> HSETEX h PXAT 1 FIELDS 2 c 1 d 1
:1
> EXISTS h
:0
> HGETDEL h FIELDS 2 a b
[nil nil]
> HGETEX h EX 5 FIELDS 1 a
[nil]
> HSETEX h FXX FIELDS 1 a 1
:0
> EXISTS h
:0
)");
}

TEST_F(HashExpire, WhatIsLogged) {
  run("HSET h a 1 b 2 c 3 d 4");
  expect_logged("HEXPIRE h 100 FIELDS 3 a nothing b", "HPEXPIREAT h 1700000100000 FIELDS 2 a b");
  expect_logged("HEXPIRE h 200 GT FIELDS 2 a c", "HPEXPIREAT h 1700000200000 FIELDS 1 a");
  expect_logged("HEXPIRE h 200 NX FIELDS 1 a", "");
  expect_logged("HEXPIRE h 0 FIELDS 1 d", "HDEL h d");
  expect_logged("HPERSIST h FIELDS 2 b c", "HPERSIST h FIELDS 2 b c");
  expect_logged("HPERSIST h FIELDS 1 c", "");
  expect_logged("HGETEX h FIELDS 1 a", "");
  expect_logged("HGETEX h EX 5 FIELDS 2 a nothing", "HPEXPIREAT h 1700000005000 FIELDS 1 a");
  expect_logged("HGETEX h PERSIST FIELDS 2 a b", "HPERSIST h FIELDS 1 a");
  expect_logged("HGETEX h PX 0 FIELDS 1 a", "HDEL h a");
  expect_logged("HSETEX h FNX EX 5 FIELDS 1 x 1", "HSETEX h PXAT 1700000005000 FIELDS 1 x 1");
  expect_logged("HSETEX h KEEPTTL FIELDS 1 x 2", "HSETEX h KEEPTTL FIELDS 1 x 2");
  expect_logged("HINCRBYFLOAT h x 1.5",
                "MULTI | HSET h x 3.5 | HPEXPIREAT h 1700000005000 FIELDS 1 x | EXEC");
  expect_logged("HINCRBY h b 1", "HINCRBY h b 1");
  expect_logged("HGETDEL h FIELDS 2 x nothing", "HDEL h x");
  expect_logged("HSETEX h PXAT 1 FIELDS 2 b 1 nothing 1", "HDEL h b");
  expect_logged("HTTL h FIELDS 1 a", "");
}

TEST_F(HashExpire, OverwritingAFieldMakesItLastButCountingDoesNot) {
  run("HSETEX h EX 100 FIELDS 4 a 1 b 2 c 3 d 4");
  run("HSET h a 9");
  run("HINCRBY h b 1");
  run("HINCRBYFLOAT h c 0.5");
  run("HSETNX h d 9");
  expect("HPTTL h FIELDS 4 a b c d", "[:-1 :100000 :100000 :100000]");
  expect("COPY h copy", ":1");
  expect("RENAME copy other", "+OK");
  expect("HPTTL other FIELDS 2 a b", "[:-1 :100000]");
}

TEST_F(HashExpire, AnExpiredFieldIsAbsentForEveryCommand) {
  std::vector<std::pair<std::string, std::string>> const commands = {
      {"HGET h a", "nil"},
      {"HMGET h a b a", "[nil \"2\" nil]"},
      {"HEXISTS h a", ":0"},
      {"HSTRLEN h a", ":0"},
      {"HGETALL h", "[\"b\" \"2\"]"},
      {"HKEYS h", "[\"b\"]"},
      {"HVALS h", "[\"2\"]"},
      {"HSCAN h 0", "[\"0\" [\"b\" \"2\"]]"},
      {"HSCAN h 0 COUNT 100000", "[\"0\" [\"b\" \"2\"]]"},
      {"HRANDFIELD h", "\"b\""},
      {"HRANDFIELD h 10", "[\"b\"]"},
      {"HRANDFIELD h -3", "[\"b\" \"b\" \"b\"]"},
      {"HSET h a 5", ":1"},
      {"HSETNX h a 5", ":1"},
      {"HINCRBY h a 5", ":5"},
      {"HINCRBYFLOAT h a 5", "\"5\""},
      {"HDEL h a", ":0"},
      {"HTTL h FIELDS 1 a", "[:-2]"},
      {"HEXPIRE h 10 FIELDS 1 a", "[:-2]"},
      {"HPERSIST h FIELDS 1 a", "[:-2]"},
      {"HGETEX h FIELDS 1 a", "[nil]"},
      {"HGETDEL h FIELDS 1 a", "[nil]"},
      {"HSETEX h FXX FIELDS 1 a 1", ":0"},
      {"HSETEX h FNX FIELDS 1 a 1", ":1"},
  };
  for (auto const& [command, reply] : commands) {
    run("DEL h");
    run("HSET h a 1 b 2");
    run("HPEXPIRE h 100 FIELDS 1 a");
    move_clock(101);
    expect("HLEN h", ":2");
    expect(command, reply);
  }
}

TEST_F(HashExpire, AFieldLivesThroughItsLastMillisecond) {
  run("HSETEX h PX 100 FIELDS 1 a 1");
  move_clock(100);
  expect("HGET h a", "\"1\"");
  move_clock(1);
  expect("HGET h a", "nil");
}

TEST_F(HashExpire, AnExpiredFieldIsDeletedByWhoeverNamesIt) {
  run("HSETEX h PX 100 FIELDS 3 a 1 b 2 c 3");
  run("HSET h d 4");
  move_clock(101);
  expect_logged("HGET h a", "HDEL h a");
  expect("HLEN h", ":3");
  expect_logged("HSET h b 9 d 5", "MULTI | HDEL h b | HSET h b 9 d 5 | EXEC");
  expect_logged("HMGET h c c a", "HDEL h c");
  expect("HLEN h", ":2");
  EXPECT_EQ(expired_fields(), 3u);
}

TEST_F(HashExpire, TheHashGoesWithItsLastField) {
  run("HSETEX h PX 100 FIELDS 1 a 1");
  move_clock(101);
  expect("EXISTS h", ":1");
  expect("HGETALL h", "[]");
  expect_logged("HGET h a", "HDEL h a");
  expect("EXISTS h", ":0");
}

TEST_F(HashExpire, WhatExpiresIsAChangeForWatch) {
  run("HSETEX h PX 100 FIELDS 1 a 1");
  run("WATCH h");
  move_clock(101);
  run("HGET h a");
  run("MULTI");
  run("PING");
  expect("EXEC", "nil");
}

TEST_F(HashExpire, ActiveExpiryDeletesWhatIsDue) {
  for (int i = 0; i < 100; i++) {
    std::string const key = "h" + std::to_string(i);
    run("HSETEX " + key + " PX " + std::to_string(1000 + i) + " FIELDS 1 a 1");
    run("HSET " + key + " b 2");
    run("SET s" + std::to_string(i) + " text");
  }
  EXPECT_EQ(keyspace_.sum(0, &Partition::DatabaseCounters::expiring_bodies), 100u);
  expire_actively();
  EXPECT_EQ(expired_fields(), 0u);
  move_clock(1050);
  expire_actively();
  EXPECT_EQ(expired_fields(), 50u);
  expect("HLEN h49", ":1");
  expect("HLEN h50", ":2");
  move_clock(1000);
  expire_actively();
  EXPECT_EQ(expired_fields(), 100u);
  EXPECT_EQ(keyspace_.sum(0, &Partition::DatabaseCounters::expiring_bodies), 0u);
  expect("DBSIZE", ":200");
}

TEST_F(HashExpire, ActiveExpiryGoesOnInAHashWithThousandsOfExpiredFields) {
  std::vector<std::string> words = {"HSETEX", "h", "PX", "100", "FIELDS", "5000"};
  for (int i = 0; i < 5000; i++) words.insert(words.end(), {"f" + std::to_string(i), "v"});
  send(words);
  run("HSETEX h PX 100000 FIELDS 1 later v");
  move_clock(101);
  // With no time at all a slice still makes some progress, and says that there is more.
  EXPECT_EQ(expire_actively(0), ExpiryCycle::Progress::kMore);
  EXPECT_GT(expired_fields(), 0u);
  EXPECT_LT(expired_fields(), 5000u);
  EXPECT_EQ(expire_actively(60'000'000), ExpiryCycle::Progress::kNothing);
  EXPECT_EQ(expired_fields(), 5000u);
  expect("HGETALL h", "[\"later\" \"v\"]");
  move_clock(100'000);
  expire_actively();
  expect("EXISTS h", ":0");
}

TEST_F(HashExpire, RepliesOfLongHashesLeaveExpiredFieldsOut) {
  std::vector<std::string> words = {"HSETEX", "h", "PX", "100", "FIELDS", "3000"};
  for (int i = 0; i < 3000; i++) words.insert(words.end(), {"gone" + std::to_string(i), "v"});
  send(words);
  words = {"HSET", "h"};
  for (int i = 0; i < 2000; i++) words.insert(words.end(), {"stays" + std::to_string(i), "v"});
  send(words);
  move_clock(101);
  expect("HLEN h", ":5000");
  for (char const* command : {"HKEYS h", "HVALS h", "HGETALL h", "HSCAN h 0 COUNT 10000"}) {
    std::string const reply = run(command);
    EXPECT_EQ(reply.find("gone"), std::string::npos) << command;
    EXPECT_GE(std::count(reply.begin(), reply.end(), ' '), 1999) << command;
  }
  expect("HLEN h", ":5000");
  std::string const drawn = run("HRANDFIELD h 1500");
  EXPECT_EQ(drawn.find("gone"), std::string::npos);
  expect("HLEN h", ":2000");
}

TEST_F(HashExpire, WhileExpiryIsHeldFieldsStay) {
  run("HSETEX h PX 100 FIELDS 1 a 1");
  move_clock(101);
  keyspace_.expiry_holds++;
  expect("HGET h a", "\"1\"");
  expect("HGETALL h", "[\"a\" \"1\"]");
  expect("HPEXPIREAT h 5 FIELDS 1 a", "[:1]");
  expect("HPEXPIRETIME h FIELDS 1 a", "[:5]");
  keyspace_.expiry_holds--;
  expect("HGET h a", "nil");
}

TEST_F(HashExpire, WhereReadersLeaveWhatHasExpiredItIsNotSeen) {
  auto const expect_unseen = [this] {
    run("HSET h a 1 b 2");
    run("HPEXPIRE h 100 FIELDS 1 a");
    move_clock(101);
    for (int i = 0; i < 20; i++) {
      expect("HRANDFIELD h", "\"b\"");
      expect("HRANDFIELD h -2", "[\"b\" \"b\"]");
    }
    expect_dialogue(R"(
> HGET h a
nil
> HMGET h a b
[nil "2"]
> HEXISTS h a
:0
> HSTRLEN h a
:0
> HPTTL h FIELDS 2 a b
[:-2 :-1]
> HGETALL h
["b" "2"]
> HRANDFIELD h 5
["b"]
> HLEN h
:2
)");
    EXPECT_EQ(expire_actively(), ExpiryCycle::Progress::kNothing);
    expect("HLEN h", ":2");
  };
  keyspace_.unchanged_until_ms.store(clock_.ms() + 1000);  // CLIENT PAUSE
  expect_unseen();
  run("DEL h");
  keyspace_.unchanged_until_ms.store(0);
  keyspace_.expiry_left_to_primary.store(true);  // a replica
  expect_unseen();
  keyspace_.expiry_left_to_primary.store(false);
  EXPECT_EQ(expired_fields(), 0u);
  expect("HGET h a", "nil");
  expect("HLEN h", ":1");
  EXPECT_EQ(expired_fields(), 1u);
}

TEST_F(HashExpire, AHashOfWhichNothingIsLeftToSee) {
  run("HSETEX h PX 100 FIELDS 1 a 1");
  move_clock(101);
  keyspace_.unchanged_until_ms.store(clock_.ms() + 1000);
  expect("HRANDFIELD h", "nil");
  expect("HRANDFIELD h 3", "[]");
  expect("HRANDFIELD h -3", "[]");
  expect("HGETALL h", "[]");
  expect("EXISTS h", ":1");
  keyspace_.unchanged_until_ms.store(0);
  expect("HRANDFIELD h", "nil");
  expect("EXISTS h", ":0");
}

TEST_F(HashExpire, EncodingAndDump) {
  run("HSET h a 1 b 2");
  expect("OBJECT ENCODING h", "\"listpack\"");
  run("HEXPIRE h 100 FIELDS 1 a");
  expect("OBJECT ENCODING h", "\"listpackex\"");
  std::string const dump = send({"DUMP", "h"});
  std::string const payload = dump.substr(dump.find('\n') + 1, dump.size() - dump.find('\n') - 3);
  EXPECT_EQ(payload[0], 24);
  EXPECT_EQ(payload[payload.size() - 10], 12);
  EXPECT_EQ(send({"RESTORE", "h2", "0", payload}), "+OK\r\n");
  expect("HPTTL h2 FIELDS 2 a b", "[:100000 :-1]");
  run("HPERSIST h FIELDS 1 a");
  expect("OBJECT ENCODING h", "\"listpackex\"");
  std::string const plain = send({"DUMP", "h"});
  EXPECT_EQ(plain[plain.find('\n') + 1], 4);
  EXPECT_EQ(plain[plain.size() - 12], 10);
}

}  // namespace
}  // namespace holdfast
