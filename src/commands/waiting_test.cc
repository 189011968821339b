#include <gtest/gtest.h>

#include <string>

#include "commands/command_fixture.h"

namespace holdfast {
namespace {

using Waiting = std::unique_ptr<TestSession>;

class WaitingTest : public CommandTest {};

TEST_F(WaitingTest, aPushAndWhatItServesAreTwoUnitsOfTheLog) {
  Waiting const first = waiting("BLPOP k 0");
  Waiting const second = waiting("BRPOP other k 0");
  expect_logged("rpush k 1 2 3", "SELECT 0 | rpush k 1 2 3 | LPOP k | RPOP k");
  EXPECT_EQ(reply_to(*first), R"(["k" "1"])");
  EXPECT_EQ(reply_to(*second), R"(["k" "3"])");
  expect("LRANGE k 0 -1", R"(["2"])");
}

TEST_F(WaitingTest, aTransactionServesAtItsEnd) {
  Waiting const list = waiting("BLMPOP 0 1 k LEFT COUNT 5");
  run("MULTI");
  run("RPUSH k 1");
  run("SET s 1");
  run("RPUSH k 2");
  expect_logged("EXEC", "MULTI | SELECT 0 | RPUSH k 1 | SET s 1 | RPUSH k 2 | EXEC | LPOP k 2");
  EXPECT_EQ(reply_to(*list), R"(["k" ["1" "2"]])");
}

TEST_F(WaitingTest, theReplyDependsOnTheLogUpToWhatServedIt) {
  Waiting const waits = waiting("BLPOP k 0");
  uint64_t const before = end_of_log();
  run("RPUSH k 1");
  EXPECT_EQ(waits->needed_offset, 0u);
  EXPECT_EQ(reply_to(*waits), R"(["k" "1"])");
  EXPECT_GT(waits->needed_offset, before);
  EXPECT_EQ(waits->needed_offset, end_of_log());
}

TEST_F(WaitingTest, aChainOfMovesGoesOnInOneTransaction) {
  Waiting const move = waiting("BLMOVE a b LEFT RIGHT 0");
  Waiting const next = waiting("BRPOPLPUSH b c 0");
  Waiting const end = waiting("BLPOP c 0");
  expect_logged("LPUSH a x", "SELECT 0 | LPUSH a x | LMOVE a b LEFT RIGHT | RPOPLPUSH b c | LPOP c");
  EXPECT_EQ(reply_to(*move), R"("x")");
  EXPECT_EQ(reply_to(*next), R"("x")");
  EXPECT_EQ(reply_to(*end), R"(["c" "x"])");
  expect("DBSIZE", ":0");
}

TEST_F(WaitingTest, longChainsToo) {
  std::vector<Waiting> moves;
  for (int i = 0; i < 30; i++) {
    moves.push_back(waiting("BLMOVE q" + std::to_string(i) + " q" + std::to_string(i + 1) + " LEFT LEFT 0"));
  }
  run("RPUSH q0 x");
  for (Waiting const& move : moves) EXPECT_EQ(reply_to(*move), R"("x")");
  expect("LRANGE q30 0 -1", R"(["x"])");
}

TEST_F(WaitingTest, aTargetOfAnotherTypeIsAnErrorAndTheNextIsServed) {
  run("SET s 1");
  Waiting const wrong = waiting("BLMOVE k s LEFT LEFT 0");
  Waiting const next = waiting("BLPOP k 0");
  expect_logged("RPUSH k 1", "RPUSH k 1 | LPOP k");
  EXPECT_TRUE(reply_to(*wrong).starts_with("-WRONGTYPE"));
  EXPECT_EQ(reply_to(*next), R"(["k" "1"])");
  EXPECT_EQ(statistics_of("blmove").failed.get(), 1u);
}

TEST_F(WaitingTest, whoseTimeIsOverIsNotServed) {
  Waiting const late = waiting("BLPOP k 1");
  Waiting const unblocked = waiting("BZPOPMIN k 0");
  Waiting const refused = waiting("BLPOP k 0");
  Waiting closed = waiting("BLPOP k 0");
  Waiting const served = waiting("BLPOP k 0");
  EXPECT_TRUE(late->blocked->time_out());
  EXPECT_TRUE(unblocked->card().unblockable()->unblock(Unblockable::Reason::kTimeout));
  EXPECT_TRUE(refused->card().unblockable()->unblock(Unblockable::Reason::kError));
  EXPECT_FALSE(refused->card().unblockable()->unblock(Unblockable::Reason::kTimeout));
  closed.reset();
  run("RPUSH k 1");
  EXPECT_FALSE(served->card().unblockable()->unblock(Unblockable::Reason::kError));
  EXPECT_EQ(reply_to(*late), "nil");
  EXPECT_EQ(reply_to(*unblocked), "nil");
  EXPECT_EQ(reply_to(*refused), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
  EXPECT_EQ(reply_to(*served), R"(["k" "1"])");
  EXPECT_EQ(served->card().unblockable(), nullptr);
  EXPECT_EQ(statistics_of("blpop").calls.get(), 3u);
  EXPECT_EQ(statistics_of("blpop").failed.get(), 1u);
}

TEST_F(WaitingTest, whoStopsWaitingLeavesNothingBehind) {
  auto const places = [this] {
    size_t sum = 0;
    for (uint32_t i = 0; i < keyspace_.partition_count(); i++) sum += keyspace_.partition(i).waiters.places();
    return sum;
  };
  Waiting closed = waiting("BLPOP a b 0");
  Waiting const late = waiting("BLMOVE a c LEFT LEFT 1");
  Waiting const served = waiting("BLPOP d 0");
  EXPECT_EQ(places(), 4u);
  closed.reset();
  EXPECT_EQ(places(), 2u);
  EXPECT_TRUE(late->blocked->time_out());
  EXPECT_EQ(reply_to(*late), "nil");
  EXPECT_EQ(places(), 1u);
  run("RPUSH d 1");
  EXPECT_EQ(places(), 0u);
}

TEST_F(WaitingTest, whatIsReplayedServesNobodyAndDoesNotWait) {
  Waiting const waits = waiting("BLPOP k 0");
  Waiting const reads = waiting("XREAD BLOCK 0 STREAMS s $");
  replay("RPUSH k 1");
  replay("XADD s 1-1 a 1");
  replay("BLPOP none 0");
  EXPECT_EQ(reply_to(*waits), "waits");
  EXPECT_EQ(reply_to(*reads), "waits");
  run("RPUSH k 2");
  EXPECT_EQ(reply_to(*waits), R"(["k" "1"])");
}

TEST_F(WaitingTest, aLongReplyFollowsInPieces) {
  Waiting const reads = waiting("XREAD BLOCK 0 STREAMS s 0");
  for (int i = 1; i <= 3000; i++) run("XADD t " + std::to_string(i) + "-1 a 1");
  run("RENAME t s");
  EXPECT_EQ(reads->blocked->output().to_string().find("3000-1"), std::string::npos);
  std::string const reply = reply_to(*reads);
  EXPECT_NE(reply.find("\"1-1\""), std::string::npos);
  EXPECT_NE(reply.find("\"3000-1\""), std::string::npos);
  EXPECT_EQ(statistics_of("xread").calls.get(), 1u);
}

TEST_F(WaitingTest, groupsAreServedWithWhatFollowsLoggedAsAUnit) {
  run("XGROUP CREATE s g $ MKSTREAM");
  Waiting const first = waiting("XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >");
  Waiting const second = waiting("XREADGROUP GROUP g c2 BLOCK 0 STREAMS s >");
  std::string const log = logged("XADD s 5-1 a 1");
  EXPECT_TRUE(log.starts_with("XADD s 5-1 a 1 | MULTI | XCLAIM s g c1 0 5-1 TIME")) << log;
  EXPECT_TRUE(log.ends_with("| XGROUP SETID s g 5-1 ENTRIESREAD 1 | EXEC")) << log;
  EXPECT_EQ(reply_to(*first), R"([["s" [["5-1" ["a" "1"]]]]])");
  EXPECT_EQ(reply_to(*second), "waits");
  run("DEL s");
  EXPECT_EQ(reply_to(*second), "-UNBLOCKED the stream key no longer exists");
}

TEST_F(WaitingTest, aKeyThatExpiresEndsTheWaitOfItsGroup) {
  run("XGROUP CREATE s g $ MKSTREAM");
  run("PEXPIRE s 100");
  Waiting const reads = waiting("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  move_clock(200);
  EXPECT_EQ(reply_to(*reads), "waits");
  expect("EXISTS s", ":0");
  EXPECT_EQ(reply_to(*reads), "-UNBLOCKED the stream key no longer exists");
}

TEST_F(WaitingTest, streamsEndTheWaitOnlyWithEntriesToGive) {
  run("XGROUP CREATE s g $ MKSTREAM");
  run("XADD s 1-1 a 1");
  run("XREADGROUP GROUP g c STREAMS s >");
  Waiting const reads = waiting("XREAD BLOCK 0 STREAMS s $");
  Waiting const group = waiting("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  run("MULTI");
  run("XADD s 2-1 a 1");
  run("XDEL s 2-1");
  run("EXEC");
  EXPECT_EQ(reply_to(*reads), "waits");
  EXPECT_EQ(reply_to(*group), "waits");
  run("XGROUP SETID s g 0");
  EXPECT_EQ(reply_to(*reads), "waits");
  EXPECT_EQ(reply_to(*group), R"([["s" [["1-1" ["a" "1"]]]]])");
}

TEST_F(WaitingTest, theReplyHasTheProtocolOfWhoWaits) {
  session_->set_protocol(3);
  Waiting const third = waiting("XREAD BLOCK 0 STREAMS s $");
  session_->set_protocol(2);
  Waiting const second = waiting("XREAD BLOCK 0 STREAMS s $");
  run("XADD s 1-1 a 1");
  EXPECT_EQ(reply_to(*third), R"({"s" [["1-1" ["a" "1"]]]})");
  EXPECT_EQ(reply_to(*second), R"([["s" [["1-1" ["a" "1"]]]]])");
}

TEST_F(WaitingTest, databasesAreSwappedUnderThoseWhoWait) {
  Waiting const waits = waiting("BLPOP k 0");
  run("SELECT 1");
  run("RPUSH k 1 2");
  expect_logged("SWAPDB 0 1", "SWAPDB 0 1 | SELECT 0 | LPOP k");
  EXPECT_EQ(reply_to(*waits), R"(["k" "1"])");
}

TEST_F(WaitingTest, watchersSeeWhatServingHasChanged) {
  run("RPUSH b 1");
  run("WATCH b");
  Waiting const move = waiting("BLMOVE a b LEFT LEFT 0");
  run("RPUSH a 2");
  run("MULTI");
  run("PING");
  expect("EXEC", "nil");
}

}  // namespace
}  // namespace holdfast
