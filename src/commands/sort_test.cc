#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using SortTest = CommandTest;

TEST_F(SortTest, texts_are_compared_in_the_locale_that_is_set) {
  ASSERT_TRUE(config_.load_text("locale-collate C"));
  expect_dialogue(R"(
> RPUSH l b A a B
:4
> SORT l ALPHA
["A" "B" "a" "b"]
> SORT_RO l ALPHA DESC LIMIT 0 1
["b"]
)");
}

TEST_F(SortTest, orders) {
  expect_dialogue(R"(
> RPUSH l 3 10 2 1
:4
> SORT l
["1" "2" "3" "10"]
> SORT l ALPHA DESC LIMIT 1 2
["2" "10"]
> SORT l BY nosort DESC LIMIT 0 2
["1" "2"]
> SORT l LIMIT 2 9223372036854775807
["3" "10"]
> SORT_RO l STORE d
-ERR syntax error
> SORT missing LIMIT 0 1
[]
> RPUSH words b " 1" 0x10 ""
:4
> SORT words
-ERR One or more scores can't be converted into double
> SORT words ALPHA
["" " 1" "0x10" "b"]
> LREM words 0 b
:1
> SORT words
["" " 1" "0x10"]
> RPUSH words 1e400
:4
> SORT words
-ERR One or more scores can't be converted into double
> SET s text
+OK
> SORT s
-WRONGTYPE Operation against a key holding the wrong kind of value
> SORT s LIMIT a b
-ERR value is not an integer or out of range
)");
}

TEST_F(SortTest, patterns_reach_keys_of_all_partitions) {
  // More keys than partitions, so that some are where the list is not.
  for (int i = 0; i < 64; i++) {
    std::string const number = std::to_string(i);
    send({"RPUSH", "l", number});
    send({"SET", "weight:" + number, std::to_string(64 - i)});
  }
  expect("SORT l BY weight:* LIMIT 0 3 GET # GET weight:* GET none:*",
         "[\"63\" \"1\" nil \"62\" \"2\" nil \"61\" \"3\" nil]");
  expect("SORT_RO l BY weight:* DESC LIMIT 0 2", "[\"0\" \"1\"]");
  expect("SORT l GET weight:1 LIMIT 0 1", "[nil]");
  run("MULTI");
  run("SORT l BY weight:* LIMIT 0 1 GET weight:*");
  expect("EXEC", "[[\"1\"]]");
}

TEST_F(SortTest, fields_of_hashes) {
  expect_dialogue(R"(
> RPUSH l 1 2 3 4
:4
> HSET h1 n 3 a->b x
:2
> HSET h2 n 1
:1
> SET h3 text
+OK
> SORT l BY h*->n DESC GET # GET h*->n
["1" "3" "2" "1" "4" nil "3" nil]
> SORT l BY nosort GET h*->a->b LIMIT 0 1
["x"]
> SORT l BY nosort GET h*-> LIMIT 0 1
[nil]
)");
}

TEST_F(SortTest, stores) {
  run("RPUSH l 2 1 3");
  expect_logged("SORT l STORE d", "SORT l STORE d");
  expect("LRANGE d 0 -1", "[\"1\" \"2\" \"3\"]");
  run("EXPIRE d 100");
  expect("SORT l BY nosort GET # GET w* STORE d", ":6");
  expect("LRANGE d 0 -1", "[\"2\" \"\" \"1\" \"\" \"3\" \"\"]");
  expect("TTL d", ":-1");
  expect_logged("SORT l LIMIT 5 1 STORE d", "SORT l LIMIT 5 1 STORE d");
  expect("EXISTS d", ":0");
  expect_logged("SORT l LIMIT 5 1 STORE d", "");
  expect_logged("SORT l", "");
  expect("SORT l DESC STORE l", ":3");
  expect("LRANGE l 0 -1", "[\"3\" \"2\" \"1\"]");
  run("RPUSH w b a");
  expect("SORT w STORE d", "-ERR One or more scores can't be converted into double");
  expect("EXISTS d", ":0");
}

TEST_F(SortTest, the_key_to_store_to_is_locked) {
  run("RPUSH l 2 1");
  // Keys in many partitions; GET's argument is no option.
  for (int i = 0; i < 64; i++) {
    std::string const key = "d" + std::to_string(i);
    expect("SORT l GET store STORE " + key, ":2");
    expect("LRANGE " + key + " 0 -1", "[\"\" \"\"]");
  }
  expect("SORT l STORE a STORE b", ":2");
  expect("EXISTS a", ":0");
}

TEST_F(SortTest, long_replies_are_finished_later) {
  slice_us_ = 0;
  std::string expected;
  for (int first = 4000; first > 0; first -= 500) {
    std::vector<std::string> words = {"RPUSH", "l"};
    for (int i = first; i > first - 500; i--) words.push_back(std::to_string(i));
    send(words);
  }
  for (int i = 1; i <= 4000; i++) expected += (i == 1 ? "\"" : " \"") + std::to_string(i) + "\"";
  expect("SORT l", "[" + expected + "]");
  EXPECT_GT(slices_, 0);
}

}  // namespace
}  // namespace holdfast
