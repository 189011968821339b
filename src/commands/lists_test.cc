#include "commands/command_fixture.h"

namespace holdfast {
namespace {

class ListsTest : public CommandTest {
 protected:
  /// RPUSH of the numbers [0, count).
  void push_numbers(std::string const& key, int count) {
    for (int first = 0; first < count; first += 500) {
      std::vector<std::string> words = {"RPUSH", key};
      for (int i = first; i < std::min(count, first + 500); i++) words.push_back(std::to_string(i));
      send(words);
    }
  }
  static std::string numbers(int first, int last) {
    std::string text;
    for (int i = first; i != last; i += first < last ? 1 : -1) text += (i == first ? "\"" : " \"") + std::to_string(i) + "\"";
    return "[" + text + "]";
  }
};

TEST_F(ListsTest, ends) {
  expect_dialogue(R"(
> LPUSH l a b c
:3
> RPUSH l 1 2
:5
> LRANGE l 0 -1
["c" "b" "a" "1" "2"]
> LPOP l
"c"
> RPOP l 2
["2" "1"]
> LPUSHX missing a
:0
> RPUSHX l x
:3
> LLEN l
:3
> LPOP missing
nil
> LPOP missing 2
nil
> LPOP l 0
[]
> LPOP l 9
["b" "a" "x"]
> EXISTS l
:0
> LPOP l -1
-ERR value is out of range, must be positive
> LPOP l 1 2
-ERR wrong number of arguments for 'lpop' command
)");
}

TEST_F(ListsTest, positions) {
  expect_dialogue(R"(
> RPUSH l a b c d e
:5
> LINDEX l -1
"e"
> LINDEX l 5
nil
> LSET l -2 D
+OK
> LSET l 5 x
-ERR index out of range
> LSET missing 0 x
-ERR no such key
> LINSERT l BEFORE c x
:6
> LINSERT l AFTER e y
:7
> LINSERT l AFTER missing y
:-1
> LRANGE l -100 3
["a" "b" "x" "c"]
> LTRIM l 1 -2
+OK
> LREM l 0 x
:1
> LRANGE l 0 -1
["b" "c" "D" "e"]
> LPOS l D
:2
> LPOS l D COUNT 0 RANK -1
[:2]
> LPOS l D RANK 0
-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
> LTRIM l 4 9
+OK
> EXISTS l
:0
)");
}

TEST_F(ListsTest, moves) {
  expect_dialogue(R"(
> RPUSH a 1 2 3
:3
> LMOVE a b LEFT RIGHT
"1"
> RPOPLPUSH a b
"3"
> LRANGE b 0 -1
["3" "1"]
> RPOPLPUSH b b
"1"
> LMPOP 2 missing b LEFT COUNT 9
["b" ["1" "3"]]
> LMOVE a a LEFT UP
-ERR syntax error
> LMOVE a b LEFT LEFT
"2"
> EXISTS a
:0
> LMPOP 1 a LEFT
nil
)");
}

TEST_F(ListsTest, what_is_logged) {
  expect_logged("LPUSH l a b c", "SELECT 0 | LPUSH l a b c");
  expect_logged("rpushx l d", "rpushx l d");
  expect_logged("LPUSHX missing d", "");
  expect_logged("LMPOP 2 missing l RIGHT COUNT 2", "RPOP l 2");
  expect_logged("LMPOP 1 l LEFT COUNT 5", "LPOP l 2");
  expect_logged("LMPOP 1 l LEFT COUNT 5", "");
  expect_logged("RPUSH l a b c", "RPUSH l a b c");
  expect_logged("LPOP l 0", "");
  expect_logged("LPOP l 1", "LPOP l 1");
  expect_logged("LREM l 0 missing", "");
  expect_logged("LINSERT l BEFORE missing x", "");
  expect_logged("LSET l 9 x", "");
  expect_logged("LTRIM l 0 -1", "");
  expect_logged("LRANGE l 0 -1", "");
  expect_logged("LMOVE l m left right", "LMOVE l m left right");
  expect_logged("RPOPLPUSH m m", "RPOPLPUSH m m");
  expect_logged("RPOP l", "RPOP l");
}

TEST_F(ListsTest, long_replies_are_finished_later) {
  slice_us_ = 0;
  push_numbers("l", 5000);
  EXPECT_EQ(run("LRANGE l 0 -1"), numbers(0, 5000));
  EXPECT_GT(slices_, 0);
  EXPECT_EQ(run("LRANGE l 100 1050"), numbers(100, 1051));
  EXPECT_EQ(slices_, 0);
  EXPECT_EQ(run("RPOP l 1500"), numbers(4999, 3499));
  EXPECT_EQ(run("LMPOP 1 l LEFT COUNT 1500"), "[\"l\" " + numbers(0, 1500) + "]");
  expect("LLEN l", ":2000");
  expect("LINDEX l 0", "\"1500\"");
  EXPECT_EQ(run("LPOP l 100000"), numbers(1500, 3500));
  expect("EXISTS l", ":0");
}

TEST_F(ListsTest, long_replies_in_transactions) {
  push_numbers("l", 3000);
  run("MULTI");
  run("LRANGE l 0 -1");
  run("LPOP l 2000");
  run("LLEN l");
  EXPECT_EQ(run("EXEC"), "[" + numbers(0, 3000) + " " + numbers(0, 2000) + " :1000]");
}

TEST_F(ListsTest, positions_of_many_equal_elements) {
  slice_us_ = 0;
  std::vector<std::string> words(2002, "v");
  words[0] = "RPUSH";
  words[1] = "l";
  send(words);
  std::string const reply = run("LPOS l v COUNT 0");
  EXPECT_TRUE(reply.starts_with("[:0 :1 :2 "));
  EXPECT_TRUE(reply.ends_with(" :1998 :1999]"));
  EXPECT_GT(slices_, 0);
  expect("LREM l -1999 v", ":1999");
  expect("LRANGE l 0 -1", "[\"v\"]");
}

TEST_F(ListsTest, much_is_trimmed_at_once) {
  push_numbers("l", 40'000);
  expect("LTRIM l 20000 20002", "+OK");
  expect("LRANGE l 0 -1", "[\"20000\" \"20001\" \"20002\"]");
  expect("OBJECT ENCODING l", "\"listpack\"");
}

TEST_F(ListsTest, encodings_by_the_directive) {
  keyspace_.limits.list_max_listpack_size = 3;
  expect_dialogue(R"(
> RPUSH l a b c
:3
> OBJECT ENCODING l
"listpack"
> RPUSH l d
:4
> OBJECT ENCODING l
"quicklist"
> LPOP l 2
["a" "b"]
> OBJECT ENCODING l
"quicklist"
> LPOP l
"c"
> OBJECT ENCODING l
"listpack"
)");
}

TEST_F(ListsTest, a_target_that_has_expired_is_a_new_list) {
  expect_dialogue(R"(
> RPUSH source a b
:2
> RPUSH target x
:1
> PEXPIRE target 10
:1
)");
  move_clock(20);
  expect("LMOVE source target LEFT LEFT", "\"a\"");
  expect("LRANGE target 0 -1", "[\"a\"]");
  expect("PTTL target", ":-1");
}

TEST_F(ListsTest, memory_goes_with_the_elements) {
  uint64_t const before = keyspace_.memory_bytes(0);
  push_numbers("l", 20'000);
  EXPECT_GT(keyspace_.memory_bytes(0), before + 20'000);
  run("LTRIM l 0 99");
  EXPECT_LT(keyspace_.memory_bytes(0), before + 10'000);
  run("LTRIM l 0 0");
  run("LPOP l");
  push_numbers("l", 20'000);
  run("DEL l");
  EXPECT_LT(keyspace_.memory_bytes(0), before + 10'000);
}

}  // namespace
}  // namespace holdfast
