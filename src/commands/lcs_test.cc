#include "commands/command_fixture.h"
#include "commands/lcs_table.h"

namespace holdfast {
namespace {

using LcsTest = CommandTest;

TEST_F(LcsTest, replies) {
  expect_dialogue(R"(
> MSET a ohmytext b mynewtext n1 123456 n2 345
+OK
> LCS a b
"mytext"
> LCS a b LEN
:6
> LCS a b IDX
["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
> LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
["matches" [[[:4 :7] [:5 :8] :4]] "len" :6]
> LCS a b IDX MINMATCHLEN -5
["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
> LCS n1 n2 IDX WITHMATCHLEN
["matches" [[[:2 :4] [:0 :2] :3]] "len" :3]
> LCS a missing
""
> LCS missing missing IDX
["matches" [] "len" :0]
> LCS a b IDX LEN
-ERR If you want both the length and indexes, please just use IDX.
> LCS a b MINMATCHLEN
-ERR syntax error
> LCS a b MINMATCHLEN x FOO
-ERR value is not an integer or out of range
> LCS a
-ERR wrong number of arguments for 'lcs' command
)");
}

TEST_F(LcsTest, idx_is_a_map_in_resp3) {
  run("MSET a ab b b");
  session_->set_protocol(3);
  expect("LCS a b IDX", "{\"matches\" [[[:1 :1] [:0 :0]]] \"len\" :1}");
}

TEST_F(LcsTest, long_strings_are_computed_in_slices) {
  std::string text;
  for (int i = 0; i < 700; i++) text += std::to_string(i * i % 997);
  run("SET a " + text + "tail");
  run("SET b head" + text);
  slice_us_ = 0;
  EXPECT_EQ(run("LCS a b"), "\"" + text + "\"");
  EXPECT_GT(slices_, 5);
  EXPECT_EQ(run("LCS a b IDX WITHMATCHLEN").substr(0, 15), "[\"matches\" [[[:");
  EXPECT_EQ(run("LCS a b LEN"), ":" + std::to_string(text.size()));
}

TEST_F(LcsTest, memory_is_bounded_by_proto_max_bulk_len) {
  keyspace_.string_bytes_max = 4 * 4 * 3;
  run("MSET a abc b xy c xyz");
  expect("LCS a b", "\"\"");
  expect("LCS a c LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  run("SET d " + std::string(40'000, 'x'));
  keyspace_.string_bytes_max = 512 << 20;
  expect("LCS d d LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

TEST(LcsTable, bytes_that_are_no_number) {
  EXPECT_EQ(LcsTable::bytes_for(0, 0), 4u);
  EXPECT_EQ(LcsTable::bytes_for(3, 2), 48u);
  EXPECT_EQ(LcsTable::bytes_for(size_t{1} << 40, size_t{1} << 40), std::nullopt);
}

}  // namespace
}  // namespace holdfast
