#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using BitmapsTest = CommandTest;

TEST_F(BitmapsTest, only_a_bit_that_changes_is_logged) {
  expect_logged("SETBIT b 9 1", "SELECT 0 | SETBIT b 9 1");
  expect_logged("SETBIT b 9 1", "");
  expect_logged("SETBIT b 9 0", "SETBIT b 9 0");
  expect_logged("SETBIT b 100 0", "SETBIT b 100 0");  // it has grown
  expect("STRLEN b", ":13");
}

TEST_F(BitmapsTest, setbit_of_an_embstr_makes_it_raw_even_without_a_change) {
  expect("SET e a", "+OK");
  expect("SETBIT e 0 0", ":0");
  expect("OBJECT ENCODING e", "\"raw\"");
  expect("GET e", "\"a\"");
}

TEST_F(BitmapsTest, long_strings_are_counted_in_pieces) {
  expect("SETRANGE long 3000000 \"\\xff\\xff\"", ":3000002");
  slice_us_ = 0;
  expect("BITCOUNT long", ":16");
  EXPECT_GT(slices_, 0);
  expect("BITCOUNT long 24000007 24000012 BIT", ":6");
  EXPECT_EQ(slices_, 0);
  expect_dialogue(R"(
> MULTI
+OK
> BITCOUNT long
+QUEUED
> SETBIT long 0 1
+QUEUED
> BITCOUNT long
+QUEUED
> EXEC
[:16 :0 :17]
)");
}

TEST_F(BitmapsTest, a_long_string_is_counted_as_it_was_when_the_command_ran) {
  expect("SETRANGE long 3000000 \"\\xff\"", ":3000001");
  std::vector<std::string_view> words{"BITCOUNT", "long"};
  OutputBuffer out;
  Reply reply(out);
  ASSERT_EQ(gate_execute(Args(words), reply), Gate::Outcome::kRunning);
  auto running = std::move(session_->running);
  expect("SETBIT long 1 1", ":0");
  while (running->slice(reply, 0) != Task::Progress::kDone) continue;
  EXPECT_EQ(out.to_string(), ":8\r\n");
  expect("BITCOUNT long", ":9");
}

TEST_F(BitmapsTest, bitop_replaces_its_target_and_the_expiry) {
  expect("SET a abc", "+OK");
  expect("SET d old EX 100", "+OK");
  expect_logged("BITOP NOT d a", "BITOP NOT d a");
  expect("TTL d", ":-1");
  expect_logged("BITOP AND d missing", "BITOP AND d missing");
  expect("EXISTS d", ":0");
  expect_logged("BITOP AND d missing", "");
}

TEST_F(BitmapsTest, a_bitfield_that_only_grows_its_string_is_logged) {
  expect_logged("BITFIELD f OVERFLOW FAIL INCRBY u2 100 9", "SELECT 0 | BITFIELD f OVERFLOW FAIL INCRBY u2 100 9");
  expect("STRLEN f", ":13");
  expect_logged("BITFIELD f OVERFLOW FAIL INCRBY u2 100 9", "");
  expect_logged("BITFIELD f GET u8 0", "");
  expect_logged("BITFIELD f INCRBY u2 100 1", "BITFIELD f INCRBY u2 100 1");
  expect_logged("BITFIELD f SET u2 100 1", "");
}

TEST_F(BitmapsTest, counting_a_hyperloglog_is_logged_once) {
  expect_logged("PFADD h a b", "SELECT 0 | PFADD h a b");
  expect_logged("PFADD h a", "");
  expect_logged("PFCOUNT h", "PFCOUNT h");
  expect_logged("PFCOUNT h", "");
  expect_logged("PFADD h c", "PFADD h c");
  expect("PFCOUNT h", ":3");
  expect("PFDEBUG TODENSE h", ":1");
  expect("PFCOUNT h", ":3");
  expect_logged("PFADD h c", "");
  expect_logged("PFADD h d", "PFADD h d");
}

}  // namespace
}  // namespace holdfast
