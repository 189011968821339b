#include <algorithm>
#include <map>
#include <set>

#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using HashCommands = CommandTest;

TEST_F(HashCommands, FieldsInBothForms) {
  for (uint64_t limit : {128, 0}) {
    keyspace_.limits.hash_max_listpack_entries = limit;
    expect("FLUSHALL", "+OK");
    expect_dialogue(R"(
> HSET h a 1
:1
> HSET h a 2
:0
> HGET h a
"2"
> HSETNX h a 3
:0
> HSETNX h b 12345
:1
> HMGET h b nothing
["12345" nil]
> HSTRLEN h b
:5
> HEXISTS h nothing
:0
> HINCRBY h b -5
:12340
> HINCRBYFLOAT h b 0.5
"12340.5"
> HINCRBY h b 1
-ERR hash value is not an integer
> HDEL h a nothing
:1
> HGETALL h
["b" "12340.5"]
> HLEN h
:1
> HDEL h b
:1
> EXISTS h
:0
)");
  }
}

TEST_F(HashCommands, WhatIsLogged) {
  expect_logged("HSET h a 1 b 2", "SELECT 0 | HSET h a 1 b 2");
  expect_logged("HMSET h a 1", "HMSET h a 1");
  expect_logged("HSETNX h a 2", "");
  expect_logged("HSETNX h c 3", "HSETNX h c 3");
  expect_logged("HINCRBY h a 5", "HINCRBY h a 5");
  expect_logged("HINCRBYFLOAT h a 0.5", "HSET h a 6.5");
  expect_logged("HDEL h nothing", "");
  expect_logged("HDEL h a nothing", "HDEL h a nothing");
  expect_logged("HGETALL h", "");
  expect_logged("HSET h odd", "");
}

TEST_F(HashCommands, AFailedCommandLeavesNoKeyBehind) {
  expect("HINCRBY h n 9223372036854775807", ":9223372036854775807");
  expect("HINCRBY h n 1", "-ERR increment or decrement would overflow");
  expect("HINCRBYFLOAT fresh n abc", "-ERR value is not a valid float");
  expect("HINCRBY fresh n abc", "-ERR value is not an integer or out of range");
  expect("EXISTS fresh", ":0");
}

TEST_F(HashCommands, LongRepliesComeInPiecesFromTheMomentOfTheCommand) {
  std::vector<std::string> words = {"HSET", "h"};
  for (int i = 0; i < 5000; i++) {
    words.push_back("f" + std::to_string(i));
    words.push_back("v" + std::to_string(i));
  }
  EXPECT_EQ(send(words), ":5000\r\n");
  slice_us_ = 0;
  std::string const all = run("HGETALL h");
  EXPECT_GT(slices_, 2);
  for (int i = 0; i < 5000; i++) {
    ASSERT_NE(all.find("\"f" + std::to_string(i) + "\" \"v" + std::to_string(i) + "\""), std::string::npos) << i;
  }
  for (char const* command : {"HKEYS h", "HVALS h", "HRANDFIELD h 5000", "HRANDFIELD h -5000", "HRANDFIELD h 4000",
                              "HRANDFIELD h 1500", "HSCAN h 0 COUNT 5000"}) {
    std::string const reply = run(command);
    EXPECT_GT(slices_, 0) << command;
    EXPECT_GT(std::count(reply.begin(), reply.end(), ' '), 1400) << command;
  }
}

/// The words of a reply of arrays, whose texts hold no quotes.
std::vector<std::string> words_of(std::string_view reply) {
  std::vector<std::string> words;
  for (size_t at = reply.find('"'); at != std::string_view::npos; at = reply.find('"', at)) {
    size_t const end = reply.find('"', at + 1);
    words.emplace_back(reply.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return words;
}

TEST_F(HashCommands, RandomFieldsAreDifferentForPositiveCounts) {
  for (int fields : {20, 3000}) {
    std::vector<std::string> words = {"HSET", "h"};
    for (int i = 0; i < fields; i++) words.insert(words.end(), {"f" + std::to_string(i), std::to_string(i)});
    send(words);
    for (int count : {1, fields / 4, fields / 2, fields - 1, fields, fields * 2}) {
      std::vector<std::string> drawn = words_of(run("HRANDFIELD h " + std::to_string(count)));
      EXPECT_EQ(drawn.size(), static_cast<size_t>(std::min(count, fields)));
      std::sort(drawn.begin(), drawn.end());
      EXPECT_EQ(std::unique(drawn.begin(), drawn.end()), drawn.end()) << count;
    }
    EXPECT_EQ(words_of(run("HRANDFIELD h -100")).size(), 100u);
    EXPECT_EQ(words_of(run("HRANDFIELD h -100 WITHVALUES")).size(), 200u);
    send({"DEL", "h"});
  }
}

TEST_F(HashCommands, EveryFieldIsDrawnAboutAsOften) {
  for (int fields : {10, 300}) {
    std::vector<std::string> words = {"HSET", "h"};
    for (int i = 0; i < fields; i++) words.insert(words.end(), {"f" + std::to_string(i), "v"});
    send(words);
    std::map<std::string, int> counts;
    for (int i = 0; i < 200; i++) {
      for (std::string const& field : words_of(run("HRANDFIELD h -" + std::to_string(fields)))) counts[field]++;
      for (std::string const& field : words_of(run("HRANDFIELD h " + std::to_string(fields / 2)))) counts[field] += 2;
    }
    EXPECT_EQ(counts.size(), static_cast<size_t>(fields));
    for (auto const& [field, count] : counts) {  // 400 on average, with a deviation of about 25
      EXPECT_GT(count, 200) << field;
      EXPECT_LT(count, 600) << field;
    }
    send({"DEL", "h"});
  }
}

TEST_F(HashCommands, AScanSeesEveryFieldThatStays) {
  keyspace_.limits.hash_max_listpack_entries = 4;
  for (int i = 0; i < 500; i++) send({"HSET", "h", "stay" + std::to_string(i), "v"});
  std::set<std::string> seen;
  std::string cursor = "0";
  int round = 0;
  do {
    std::vector<std::string> const found = words_of(run("HSCAN h " + cursor + " COUNT 7"));
    cursor = found.at(0);
    for (size_t i = 1; i < found.size(); i += 2) seen.insert(found[i]);
    for (int i = 0; i < 20; i++) send({"HSET", "h", "come" + std::to_string(round * 20 + i), "v"});
    for (int i = 0; i < 10; i++) send({"HDEL", "h", "come" + std::to_string(round * 10 + i)});
    ASSERT_LT(round++, 2000);
  } while (cursor != "0");
  for (int i = 0; i < 500; i++) EXPECT_TRUE(seen.contains("stay" + std::to_string(i))) << i;
}

TEST_F(HashCommands, ACopyDoesNotFollow) {
  keyspace_.limits.hash_max_listpack_entries = 1;
  expect("HSET h a 1 b 2", ":2");
  expect("COPY h copy", ":1");
  expect("HSET copy a 9", ":0");
  expect("HDEL h b", ":1");
  expect("HGET h a", "\"1\"");
  expect("HMGET copy a b", "[\"9\" \"2\"]");
}

TEST_F(HashCommands, Resp3) {
  session_->set_protocol(3);
  expect("HSET h a 1 b 2", ":2");
  expect("HGETALL h", "{\"a\" \"1\" \"b\" \"2\"}");
  expect("HGETALL nothing", "{}");
  expect("HKEYS h", "[\"a\" \"b\"]");
  expect("HRANDFIELD h 2 WITHVALUES", "[[\"a\" \"1\"] [\"b\" \"2\"]]");
  expect("HSCAN h 0", "[\"0\" [\"a\" \"1\" \"b\" \"2\"]]");
  expect("HSCAN h 0 NOVALUES", "[\"0\" [\"a\" \"b\"]]");
}

}  // namespace
}  // namespace holdfast
