#include "commands/scan_cursor.h"

#include <algorithm>
#include <map>
#include <set>

#include "commands/command_fixture.h"

namespace holdfast {
namespace {

class ScanTest : public CommandTest {
 protected:
  /// The keys of a reply that is a list of bulks, sorted.
  static std::vector<std::string> sorted(std::string_view list) {
    auto words = split_args(list.substr(1, list.size() - 2));
    std::sort(words->begin(), words->end());
    return *words;
  }
  std::vector<std::string> keys(std::string const& pattern) { return sorted(run("KEYS " + pattern)); }

  /// One whole iteration; how often each key came.
  std::map<std::string, int> iterate(
      std::string const& options, std::function<void()> between = [] {}) {
    std::map<std::string, int> found;
    std::string cursor = "0";
    do {
      std::string reply = run("SCAN " + cursor + " " + options);  // ["<cursor>" [...]]
      size_t end = reply.find('"', 2);
      cursor = reply.substr(2, end - 2);
      for (std::string const& key : sorted(reply.substr(end + 2, reply.size() - end - 3))) found[key]++;
      between();
    } while (cursor != "0");
    return found;
  }

  void fill(int count) {
    for (int i = 0; i < count; i++) run("SET key:" + std::to_string(i) + " v");
  }
};

TEST_F(ScanTest, cursor_keeps_partition_and_position_apart) {
  ScanCursor cursor{16383, (uint64_t{1} << 48) - 1};
  ScanCursor back = ScanCursor::from_number(cursor.number());
  EXPECT_EQ(back.partition, 16383u);
  EXPECT_EQ(back.position, (uint64_t{1} << 48) - 1);
  EXPECT_LT(cursor.number(), uint64_t{1} << 62);
}

TEST_F(ScanTest, keys_by_pattern) {
  run("MSET hello 1 hallo 2 \"\" 3 other 4");
  EXPECT_EQ(keys("*"), (std::vector<std::string>{"", "hallo", "hello", "other"}));
  EXPECT_EQ(keys("**"), (std::vector<std::string>{"hallo", "hello", "other"}));
  EXPECT_EQ(keys("h[ae]llo"), (std::vector<std::string>{"hallo", "hello"}));
  expect("KEYS hello", "[\"hello\"]");
  expect("KEYS nothing*", "[]");
  run("SET gone v PXAT 1");
  expect("KEYS gone", "[]");
  expect("DBSIZE", ":5");
}

TEST_F(ScanTest, keys_in_slices_lists_every_key_once) {
  fill(5000);
  slice_us_ = 0;
  std::vector<std::string> found = keys("key:*");
  EXPECT_GT(slices_, 10);
  EXPECT_EQ(found.size(), 5000u);
  EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).size(), 5000u);
}

TEST_F(ScanTest, scan_gives_every_key_that_is_there_all_the_time) {
  fill(3000);
  for (std::string options : {"", "COUNT 1", "COUNT 100", "COUNT 1000000"}) {
    slice_us_ = options.empty() ? 0 : 1000;
    std::map<std::string, int> found = iterate(options);
    EXPECT_EQ(found.size(), 3000u) << options;
  }
}

TEST_F(ScanTest, scan_survives_growth_and_shrinking) {
  fill(1000);
  int step = 0;
  auto grow = [&] {
    for (int i = 0; i < 50; i++) run("SET new:" + std::to_string(step * 50 + i) + " v");
    step++;
  };
  std::map<std::string, int> found = iterate("MATCH key:*", grow);
  EXPECT_EQ(found.size(), 1000u);
  int next = 0;
  auto shrink = [&] {
    for (int i = 0; i < 100; i++) run("DEL new:" + std::to_string(next++));
  };
  found = iterate("MATCH key:* COUNT 20", shrink);
  EXPECT_EQ(found.size(), 1000u);
}

TEST_F(ScanTest, scan_filters) {
  run("MSET a:1 x a:2 x b:1 x");
  EXPECT_EQ(iterate("MATCH a:*").size(), 2u);
  EXPECT_EQ(iterate("TYPE STRING").size(), 3u);
  EXPECT_EQ(iterate("TYPE list").size(), 0u);
  EXPECT_EQ(iterate("TYPE nonsense").size(), 0u);
  expect("SELECT 9", "+OK");
  expect("SCAN 0", "[\"0\" []]");
}

TEST_F(ScanTest, scan_refuses) {
  expect_dialogue(R"(
> SCAN abc FOO bar
-ERR invalid cursor
> SCAN 18446744073709551616
-ERR invalid cursor
> SCAN 18446744073709551615
["0" []]
> SCAN 0 COUNT 0
-ERR syntax error
> SCAN 0 COUNT x
-ERR value is not an integer or out of range
> SCAN 0 COUNT
-ERR syntax error
> SCAN 0 FOO bar
-ERR syntax error
)");
}

TEST_F(ScanTest, expired_keys_that_a_scan_meets_are_deleted) {
  run("FLUSHALL");
  run("MSET one v other v");
  run("SET gone v PXAT 1");
  expect_logged("SCAN 0 MATCH o* COUNT 100", "");
  expect("DBSIZE", ":3");
  expect_logged("SCAN 0 MATCH [og]* COUNT 100", "DEL gone");
  expect("DBSIZE", ":2");
}

TEST_F(ScanTest, randomkey_draws_every_key_and_no_expired_one) {
  expect("RANDOMKEY", "nil");
  run("MSET a 1 b 2 c 3");
  run("SET gone v PXAT 1");
  std::set<std::string> drawn;
  for (int i = 0; i < 1000; i++) drawn.insert(run("RANDOMKEY"));
  EXPECT_EQ(drawn, (std::set<std::string>{"\"a\"", "\"b\"", "\"c\""}));
  run("DEL a b c");
  run("SET gone v PXAT 1");
  expect("RANDOMKEY", "nil");
  expect("DBSIZE", ":0");
}

TEST_F(ScanTest, inside_a_transaction_tasks_see_what_it_has_done) {
  slice_us_ = 0;
  expect_dialogue(R"(
> MULTI
+OK
> SET k v
+QUEUED
> KEYS *
+QUEUED
> SCAN 0 COUNT 100
+QUEUED
> RANDOMKEY
+QUEUED
> LCS k k
+QUEUED
> DBSIZE
+QUEUED
> FLUSHALL
+QUEUED
> KEYS *
+QUEUED
> EXEC
[+OK ["k"] ["0" ["k"]] "k" "v" :1 +OK []]
)");
}

}  // namespace
}  // namespace holdfast
