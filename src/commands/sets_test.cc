#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "commands/command_fixture.h"

namespace holdfast {
namespace {

class SetsTest : public CommandTest {
 protected:
  /// Adds the members first ... last - 1 with this prefix in one command.
  void fill(std::string const& key, int first, int last, std::string const& prefix = "m") {
    std::vector<std::string> command = {"SADD", key};
    for (int i = first; i < last; i++) command.push_back(prefix + std::to_string(i));
    send(command);
  }
  /// The members of an array, sorted.
  std::vector<std::string> members(std::string_view line) {
    std::string const reply = run(line);
    auto words = split_args(std::string_view(reply).substr(1, reply.size() - 2));
    std::ranges::sort(*words);
    return *words;
  }
  size_t different(std::string_view line) {
    std::vector<std::string> const found = members(line);
    return std::set<std::string>(found.begin(), found.end()).size();
  }
};

TEST_F(SetsTest, members_come_and_go_in_every_form) {
  expect_dialogue(R"(
> SADD s 1 2 3 2
:3
> OBJECT ENCODING s
"intset"
> SADD s 3 x
:1
> OBJECT ENCODING s
"listpack"
> SISMEMBER s 3
:1
> SISMEMBER s 03
:0
> SMISMEMBER s x y 1
[:1 :0 :1]
> SREM s y
:0
> SREM s 1 2 3 x x
:4
> EXISTS s
:0
> SREM s 1
:0
)");
  fill("s", 0, 200);
  expect("OBJECT ENCODING s", "\"hashtable\"");
  expect("SCARD s", ":200");
  expect("SADD s m1 m2 m200", ":1");
  expect("SMISMEMBER s m199 m201", "[:1 :0]");
  expect("SREM s m0 m1 nothing", ":2");
  expect("SCARD s", ":199");
}

TEST_F(SetsTest, what_changed_nothing_is_not_logged) {
  run("SADD s a 1");
  expect_logged("SADD s a", "");
  expect_logged("SREM s b", "");
  expect_logged("SMOVE s t b", "");
  expect_logged("SMOVE s s a", "");
  expect_logged("SINTERSTORE t s nothing", "");
  expect_logged("SADD s a b", "SADD s a b");
  expect_logged("SPOP s 0", "");
}

TEST_F(SetsTest, pops_are_logged_by_name) {
  run("SADD s a");
  expect_logged("SPOP s", "SREM s a");
  expect("EXISTS s", ":0");
  run("SADD s a");
  expect_logged("SPOP s 1", "DEL s");
  run("SADD s a 1");
  expect_logged("SPOP s 3", "DEL s");
  for (std::string const prefix : {"", "m"}) {
    fill("s", 0, 5, prefix);
    std::string const logged = this->logged("SPOP s 3");
    auto words = split_args(logged);
    ASSERT_EQ(words->size(), 5u);
    EXPECT_EQ((*words)[0], "SREM");
    for (size_t i = 2; i < words->size(); i++) expect("SISMEMBER s " + (*words)[i], ":0");
    expect("SCARD s", ":2");
    run("DEL s");
  }
}

TEST_F(SetsTest, many_pops_are_logged_in_several_commands) {
  fill("s", 0, 5000);
  run("SUNIONSTORE before s");
  std::string const logged = this->logged("SPOP s 2500");
  expect("SCARD s", ":2500");
  EXPECT_EQ(std::ranges::count(logged, '|'), 2 + 2);  // MULTI and EXEC around three commands
  auto words = split_args(logged);
  std::erase_if(*words, [](std::string const& word) { return word[0] != 'm'; });
  EXPECT_EQ(words->size(), 2500u);
  for (std::string const& word : *words) ASSERT_EQ(run("SISMEMBER s " + word), ":0");
}

TEST_F(SetsTest, popped_members_are_those_that_go) {
  for (int count : {1, 50, 100, 900, 1500, 2900}) {
    fill("s", 0, 3000);
    std::vector<std::string> popped = members("SPOP s " + std::to_string(count));
    EXPECT_EQ(popped.size(), static_cast<size_t>(count));
    expect("SCARD s", ":" + std::to_string(3000 - count));
    popped.insert(popped.begin(), {"SADD", "s"});
    expect("SCARD s", ":" + std::to_string(3000 - count));
    EXPECT_EQ(send(popped), ":" + std::to_string(count) + "\r\n");
    expect("SCARD s", ":3000");
  }
}

TEST_F(SetsTest, random_members_are_members) {
  for (int size : {3, 100, 200, 5000}) {
    for (std::string const prefix : {"", "m"}) {
      run("DEL s");
      fill("s", 0, size, prefix);
      std::vector<std::string> const all = members("SMEMBERS s");
      EXPECT_EQ(all.size(), static_cast<size_t>(size));
      for (int count : {1, 2, size / 3, size - 1}) {
        std::string const number = std::to_string(count);
        EXPECT_EQ(different("SRANDMEMBER s " + number), static_cast<size_t>(count));
        std::vector<std::string> const some = members("SRANDMEMBER s " + number);
        EXPECT_TRUE(std::ranges::includes(all, some));
        EXPECT_EQ(members("SRANDMEMBER s -" + number).size(), static_cast<size_t>(count));
      }
      EXPECT_EQ(members("SRANDMEMBER s " + std::to_string(size + 5)), all);
      EXPECT_EQ(members("SRANDMEMBER s -3000").size(), 3000u);
    }
  }
}

TEST_F(SetsTest, every_member_is_drawn_now_and_then) {
  for (std::string const prefix : {"", "m"}) {
    run("DEL s");
    fill("s", 0, 200, prefix);
    EXPECT_EQ(different("SRANDMEMBER s -10000"), 200u);
    std::set<std::string> seen;
    for (int i = 0; i < 2000 && seen.size() < 200; i++)
      seen.merge([&] {
        std::vector<std::string> const drawn = members("SRANDMEMBER s 20");
        return std::set<std::string>(drawn.begin(), drawn.end());
      }());
    EXPECT_EQ(seen.size(), 200u);
  }
}

TEST_F(SetsTest, moving_is_one_change) {
  run("SADD a 1 2 x");
  expect_logged("SMOVE a b x", "SMOVE a b x");
  expect("SMEMBERS b", "[\"x\"]");
  expect("SMOVE a b 1", ":1");
  expect("SMOVE a b 2", ":1");
  expect("EXISTS a", ":0");
  expect("SCARD b", ":3");
  run("SET text v");
  expect("SMOVE a text 1", ":0");
  expect("SMOVE b text 1", "-WRONGTYPE Operation against a key holding the wrong kind of value");
  run("SADD a 1");
  expect("SMOVE a b 1", ":1");
  expect("EXISTS a", ":0");
}

TEST_F(SetsTest, long_results_follow_from_frozen_sets) {
  fill("a", 0, 6000);
  fill("b", 3000, 9000);
  fill("c", 0, 9000, "x");
  EXPECT_EQ(members("SMEMBERS a").size(), 6000u);
  EXPECT_EQ(different("SINTER a b"), 3000u);
  EXPECT_EQ(different("SUNION a b c"), 18'000u);
  EXPECT_EQ(different("SDIFF a b c"), 3000u);
  EXPECT_EQ(different("SDIFF a c"), 6000u);
  EXPECT_EQ(run("SINTER a c"), "[]");
  expect("SINTERCARD 2 a b", ":3000");
  expect("SINTERCARD 2 a b LIMIT 2000", ":2000");
  expect("SINTERCARD 2 a b LIMIT 0", ":3000");
  expect("SINTERSTORE d a b", ":3000");
  expect("SUNIONSTORE d a b c d", ":18000");
  expect("SDIFFSTORE d d a b c", ":0");
  expect("EXISTS d", ":0");
}

TEST_F(SetsTest, a_stored_copy_is_independent) {
  fill("a", 0, 1000);
  expect("SUNIONSTORE b a", ":1000");
  expect("SREM a m1", ":1");
  expect("SADD b new", ":1");
  expect("SISMEMBER b m1", ":1");
  expect("SISMEMBER a new", ":0");
  expect_logged("SUNIONSTORE b a b", "SUNIONSTORE b a b");
  expect("SCARD b", ":1001");
}

TEST_F(SetsTest, stored_results_take_the_place_of_anything) {
  run("SET d text EX 100");
  run("SADD a 1 2");
  expect("SUNIONSTORE d a nothing", ":2");
  expect("TTL d", ":-1");
  expect("OBJECT ENCODING d", "\"intset\"");
  run("SET d text");
  expect_logged("SINTERSTORE d a nothing", "SINTERSTORE d a nothing");
  expect("EXISTS d", ":0");
  run("SET text v");
  expect("SUNIONSTORE d a text", "-WRONGTYPE Operation against a key holding the wrong kind of value");
}

TEST_F(SetsTest, small_copies_of_bodies_are_packed_again) {
  fill("s", 0, 200);
  for (int i = 10; i < 200; i++) run("SREM s m" + std::to_string(i));
  expect("OBJECT ENCODING s", "\"hashtable\"");
  run("SUNIONSTORE d s");
  expect("OBJECT ENCODING d", "\"listpack\"");
}

TEST_F(SetsTest, scans_find_every_member) {
  fill("s", 0, 3000);
  for (std::string const options : {"", " COUNT 100", " COUNT 2000", " COUNT 1000000"}) {
    std::set<std::string> seen;
    std::string cursor = "0";
    do {
      std::string reply = run("SSCAN s " + cursor + options);
      std::erase_if(reply, [](char c) { return c == '[' || c == ']'; });
      auto words = split_args(reply);
      ASSERT_TRUE(words);
      cursor = (*words)[0];
      seen.insert(words->begin() + 1, words->end());
    } while (cursor != "0");
    EXPECT_EQ(seen.size(), 3000u);
  }
}

}  // namespace
}  // namespace holdfast
