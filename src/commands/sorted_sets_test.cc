#include "commands/command_fixture.h"

namespace holdfast {
namespace {

/// Every dialogue in both forms: packed, and as a body from the first member on.
class SortedSetsTest : public CommandTest, public testing::WithParamInterface<bool> {
 protected:
  SortedSetsTest() {
    if (GetParam()) keyspace_.limits.zset_max_listpack_entries = 0;
  }
};

INSTANTIATE_TEST_SUITE_P(Forms, SortedSetsTest, testing::Bool(),
                         [](auto const& form) { return form.param ? "Body" : "Packed"; });

TEST_P(SortedSetsTest, zadd_takes_its_options) {
  expect_dialogue(R"(
> ZADD k 1 a 2 b
:2
> ZADD k XX CH 3 a 4 c
:1
> ZADD k NX 9 a 4 c
:1
> ZADD k GT CH 2 a 9 b
:1
> ZADD k LT CH 2 a 10 b
:1
> ZADD k INCR 1.5 a
"3.5"
> ZADD k NX INCR 1 a
nil
> ZADD k XX INCR 1 nobody
nil
> ZADD k GT INCR -1 a
nil
> ZADD missing XX 1 a
:0
> EXISTS missing
:0
> ZADD k inf i
:1
> ZADD k INCR -inf i
-ERR resulting score is not a number (NaN)
> ZADD k NX XX 1 a
-ERR XX and NX options at the same time are not compatible
> ZADD k GT LT 1 a
-ERR GT, LT, and/or NX options at the same time are not compatible
> ZADD k INCR 1 a 2 b
-ERR INCR option supports a single increment-element pair
> ZADD k 1 a 2
-ERR syntax error
> ZADD k 1 a nan b
-ERR value is not a valid float
> ZRANGE k 0 -1 WITHSCORES
["a" "3.5" "c" "4" "b" "9" "i" "inf"]
> ZINCRBY k -0.5 a
"3"
> ZINCRBY fresh 2 a
"2"
> ZINCRBY k XX a
-ERR syntax error
)");
}

TEST_P(SortedSetsTest, the_last_member_takes_the_key_along) {
  expect_dialogue(R"(
> ZADD k 1 a 2 b 3 c
:3
> ZREM k a x a
:1
> ZPOPMAX k
["c" "3"]
> ZREM k b
:1
> EXISTS k
:0
> ZADD k 1 a 2 b
:2
> ZREMRANGEBYRANK k 0 -1
:2
> EXISTS k
:0
> ZADD k 1 a 2 b
:2
> ZPOPMIN k 10
["a" "1" "b" "2"]
> EXISTS k
:0
)");
}

TEST_P(SortedSetsTest, ranges_by_rank_score_and_text) {
  expect_dialogue(R"(
> ZADD k 1 a 2 b 3 c 4 d 5 e
:5
> ZRANGE k 1 -2
["b" "c" "d"]
> ZRANGE k 0 1 REV WITHSCORES
["e" "5" "d" "4"]
> ZRANGE k (1 4 BYSCORE LIMIT 1 2
["c" "d"]
> ZRANGE k +inf (2 BYSCORE REV LIMIT 1 -1
["d" "c"]
> ZRANGEBYSCORE k -inf +inf LIMIT -1 2
[]
> ZREVRANGEBYSCORE k 3 1 WITHSCORES
["c" "3" "b" "2" "a" "1"]
> ZCOUNT k (1 (5
:3
> ZRANGE k 0 1 LIMIT 0 1
-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
> ZRANGE k - + BYLEX WITHSCORES
-ERR syntax error, WITHSCORES not supported in combination with BYLEX
> ZADD l 0 a 0 b 0 c 0 d
:4
> ZRANGEBYLEX l [b (d
["b" "c"]
> ZRANGE l + (b BYLEX REV LIMIT 1 1
["c"]
> ZLEXCOUNT l - [b
:2
> ZREMRANGEBYLEX l (a [c
:2
> ZRANGESTORE out k 2 100
:3
> ZRANGE out 0 -1 WITHSCORES
["c" "3" "d" "4" "e" "5"]
> ZRANGESTORE out k 5 6
:0
> EXISTS out
:0
)");
}

TEST_P(SortedSetsTest, ranks_have_scores_with_them) {
  expect_dialogue(R"(
> ZADD k 1.5 a 2 b 2 c
:3
> ZRANK k c
:2
> ZREVRANK k c
:0
> ZRANK k b WITHSCORE
[:1 "2"]
> ZREVRANK k a withscore
[:2 "1.5"]
> ZRANK k x WITHSCORE
nil
> ZRANK k x
nil
> ZRANK k a WITHSCORES
-ERR syntax error
> ZRANK k a WITHSCORE WITHSCORE
-ERR wrong number of arguments for 'zrank' command
)");
}

TEST_P(SortedSetsTest, combinations) {
  expect_dialogue(R"(
> ZADD a 1 x 2 y 3 5
:3
> ZADD b 10 y 20 5 30 w
:3
> ZUNION 2 a b WITHSCORES
["x" "1" "y" "12" "5" "23" "w" "30"]
> ZINTER 2 a b WEIGHTS 2 1 AGGREGATE MAX WITHSCORES
["y" "10" "5" "20"]
> ZDIFF 3 a b missing
["x"]
> ZINTERCARD 2 a b LIMIT 1
:1
> ZINTERCARD 2 a a
:3
> ZUNIONSTORE a 2 a b WEIGHTS 1 -1
:4
> ZRANGE a 0 -1 WITHSCORES
["w" "-30" "5" "-17" "y" "-8" "x" "1"]
> ZINTERSTORE a 2 a missing
:0
> EXISTS a
:0
> SET s v
+OK
> ZUNION 2 b s
-WRONGTYPE Operation against a key holding the wrong kind of value
> ZDIFF 2 b
-ERR syntax error
> ZUNIONSTORE out 0 b
-ERR at least 1 input key is needed for 'zunionstore' command
)");
}

TEST_P(SortedSetsTest, sets_are_inputs_too) {
  expect_dialogue(R"(
> SADD numbers 5 7 9
:3
> SADD words 5 x
:2
> ZADD z 10 5 20 x 30 q
:3
> ZUNION 3 z numbers words WITHSCORES
["7" "1" "9" "1" "5" "12" "x" "21" "q" "30"]
> ZINTER 2 numbers words WEIGHTS 3 4 WITHSCORES
["5" "7"]
> ZDIFF 2 words z
[]
> ZDIFF 2 z numbers
["x" "q"]
> ZINTERCARD 2 z words
:2
> ZUNIONSTORE words 1 words WEIGHTS -1
:2
> ZRANGE words 0 -1 WITHSCORES
["5" "-1" "x" "-1"]
)");
}

TEST_P(SortedSetsTest, what_is_logged) {
  run("ZADD k 1 a 2 b 3 c");
  expect_logged("ZADD k 1 a", "");
  expect_logged("ZADD k 4 a", "ZADD k 4 a");
  expect_logged("ZINCRBY k 0 a", "");
  expect_logged("ZREM k nobody", "");
  expect_logged("ZMPOP 2 missing k MAX COUNT 2", "ZPOPMAX k 2");
  expect_logged("ZMPOP 1 missing MIN", "");
  expect_logged("ZPOPMIN k 0", "");
  expect_logged("ZPOPMIN k 5", "ZPOPMIN k 5");
  expect_logged("ZUNIONSTORE k 1 k", "");
  expect_logged("GEOADD g NX 13.361389 38.115556 p 15.087269 37.502669 c",
                "zadd g NX 3479099956230698 p 3479447370796909 c");
  expect_logged("GEOADD g NX 1 1 p", "");
  expect_logged("GEOSEARCHSTORE out g FROMMEMBER p BYRADIUS 200 km", "GEOSEARCHSTORE out g FROMMEMBER p BYRADIUS 200 km");
}

TEST_P(SortedSetsTest, long_replies_follow) {
  std::string add = "ZADD k";
  for (int i = 0; i < 3000; i++) add += " " + std::to_string(i) + " m" + std::to_string(i);
  expect(add, ":3000");
  std::string members = "[\"m0\"";
  std::string pairs = "[\"m2999\" \"2999\"";
  for (int i = 1; i < 3000; i++) members += " \"m" + std::to_string(i) + "\"";
  for (int i = 2998; i >= 0; i--) pairs += " \"m" + std::to_string(i) + "\" \"" + std::to_string(i) + "\"";
  expect("ZRANGE k 0 -1", members + "]");
  expect("ZUNION 2 k k", members + "]");
  expect("ZREVRANGEBYSCORE k inf -inf WITHSCORES", pairs + "]");
  expect("ZPOPMAX k 5000", pairs + "]");
  expect("EXISTS k", ":0");
}

TEST_P(SortedSetsTest, zrandmember) {
  run("ZADD k 1 a 2 b 3 c");
  for (int i = 0; i < 20; i++) {
    std::string const one = run("ZRANDMEMBER k");
    EXPECT_TRUE(one == "\"a\"" || one == "\"b\"" || one == "\"c\"") << one;
    std::string const two = run("ZRANDMEMBER k 2 WITHSCORES");
    EXPECT_TRUE(two == R"(["a" "1" "b" "2"])" || two == R"(["a" "1" "c" "3"])" || two == R"(["b" "2" "c" "3"])") << two;
    EXPECT_EQ(run("ZRANDMEMBER k -5").size(), std::string(R"(["a" "a" "a" "a" "a"])").size());
  }
  expect("ZRANDMEMBER k 3", R"(["a" "b" "c"])");
  expect("ZRANDMEMBER missing", "nil");
  expect("ZRANDMEMBER missing 3", "[]");
}

TEST_P(SortedSetsTest, zscan_finds_everybody) {
  std::string add = "ZADD k";
  for (int i = 0; i < 4000; i++) add += " 1.5 m" + std::to_string(i);
  run(add);
  size_t found = 0;
  std::string cursor = "0";
  do {
    std::string const reply = run("ZSCAN k " + cursor + " COUNT 10 MATCH m*7");
    size_t const end = reply.find('"', 2);
    cursor = reply.substr(2, end - 2);
    for (size_t at = reply.find("\"m"); at != std::string::npos; at = reply.find("\"m", at + 1)) found++;
  } while (cursor != "0");
  EXPECT_EQ(found, 400);
}

TEST_P(SortedSetsTest, geo_searches) {
  expect_dialogue(R"(
> GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
:2
> GEODIST g Palermo Catania km
"166.2742"
> GEOHASH g Palermo x Catania
["sqc8b49rny0" nil "sqdtr74hyu0"]
> GEOPOS g Palermo x
[["13.36138933897018433" "38.11555639549629859"] nil]
> GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST
[["Catania" "56.4413"] ["Palermo" "190.4424"]]
> GEORADIUS g 15 37 100 km WITHHASH
[["Catania" :3479447370796909]]
> GEORADIUSBYMEMBER g Palermo 200 km DESC COUNT 1
["Catania"]
> GEOSEARCH g FROMMEMBER Palermo BYBOX 400 400 km COUNT 1 ANY
["Palermo"]
> GEOSEARCHSTORE out g FROMMEMBER Palermo BYRADIUS 200 km STOREDIST
:2
> ZSCORE out Palermo
"0"
> GEORADIUS g 15 37 1 m STORE out
:0
> EXISTS out
:0
> GEOSEARCH g BYRADIUS 1 m ASC ASC ASC
-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
> GEOSEARCH g FROMMEMBER Palermo ASC ASC ASC
-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
> GEORADIUS g 15 37 1 m STORE out WITHDIST
-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
> GEOADD g 181 0 x
-ERR invalid longitude,latitude pair 181.000000,0.000000
)");
}

}  // namespace
}  // namespace holdfast
