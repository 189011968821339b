#include "replication/handshake.h"

#include <gtest/gtest.h>

#include "replication/history.h"

namespace holdfast::replication {
namespace {

using Verdict = Handshake::Verdict;

std::string const kId(kIdDigits, '7');
constexpr std::string_view kPing = "*1\r\n$4\r\nPING\r\n";
constexpr std::string_view kPort = "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6380\r\n";
constexpr std::string_view kCapabilities =
    "*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$5\r\nproof\r\n";

/// Up to PSYNC; returns what is sent then.
std::string ask(Handshake& handshake, int answers) {
  EXPECT_EQ(handshake.begin().send, kPing);
  EXPECT_FALSE(handshake.on_line("+PONG").send.empty());
  std::string sent;
  for (int i = 0; i < answers; i++) sent = handshake.on_line("+OK").send;
  return sent;
}

TEST(Handshake, AsksForEverythingWithoutAHistory) {
  Handshake handshake({.port = 6380});
  EXPECT_EQ(handshake.begin().send, kPing);
  EXPECT_EQ(handshake.on_line("+PONG").send, std::string(kPort) + std::string(kCapabilities));
  EXPECT_EQ(handshake.on_line("+OK").send, "");
  EXPECT_EQ(handshake.on_line("+OK").send, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
  EXPECT_EQ(handshake.on_line("").verdict, Verdict::kMore);
  auto const step = handshake.on_line("+FULLRESYNC " + kId + " 1000");
  EXPECT_EQ(step.verdict, Verdict::kFull);
  EXPECT_EQ(step.place.id, kId);
  EXPECT_EQ(step.place.offset, 1000U);
}

TEST(Handshake, SaysWhoItIsAndWhereItListens) {
  Handshake handshake({.user = "u", .password = "p", .port = 6380, .announced_ip = "10.0.0.1"});
  handshake.begin();
  EXPECT_EQ(handshake.on_line("-NOAUTH Authentication required.").send,
            "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n" + std::string(kPort) +
                "*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$8\r\n10.0.0.1\r\n" + std::string(kCapabilities));
  EXPECT_EQ(handshake.on_line("+OK").verdict, Verdict::kMore);
  // Old primaries do not know all the words.
  EXPECT_EQ(handshake.on_line("-ERR Unrecognized REPLCONF option: listening-port").verdict, Verdict::kMore);
  EXPECT_EQ(handshake.on_line("-ERR Unrecognized REPLCONF option: ip-address").verdict, Verdict::kMore);
  EXPECT_FALSE(handshake.on_line("+OK").send.empty());
}

TEST(Handshake, AWrongPasswordIsTriedAgainLater) {
  Handshake handshake({.password = "p", .port = 6380});
  handshake.begin();
  EXPECT_EQ(handshake.on_line("+PONG").send.substr(0, 29), "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n*3\r\n$8\r\n");
  auto const step = handshake.on_line("-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(step.verdict, Verdict::kRetry);
  EXPECT_NE(step.trouble.find("WRONGPASS"), std::string::npos);
}

TEST(Handshake, GoesOnFromItsPlace) {
  Handshake handshake({.port = 6380, .resume = Handshake::Terms::Place{kId, 41}});
  EXPECT_EQ(ask(handshake, 2), "*3\r\n$5\r\nPSYNC\r\n$40\r\n" + kId + "\r\n$2\r\n42\r\n");
  auto const step = handshake.on_line("+CONTINUE " + kId);
  EXPECT_EQ(step.verdict, Verdict::kContinue);
  EXPECT_EQ(step.place.id, "");
}

TEST(Handshake, LearnsTheIdOfABranch) {
  std::string const branch(kIdDigits, '8');
  Handshake handshake({.port = 6380, .resume = Handshake::Terms::Place{kId, 41}});
  ask(handshake, 2);
  EXPECT_EQ(handshake.on_line("+CONTINUE " + branch).place.id, branch);
}

TEST(Handshake, HandsOver) {
  Handshake handshake({.port = 6380, .resume = Handshake::Terms::Place{kId, 0}, .failover = true});
  EXPECT_EQ(ask(handshake, 2), "*4\r\n$5\r\nPSYNC\r\n$40\r\n" + kId + "\r\n$1\r\n1\r\n$8\r\nFAILOVER\r\n");
}

TEST(Handshake, WaitsForAPrimaryThatCannotNow) {
  for (char const* line : {"-NOMASTERLINK Can't SYNC while not connected with my master", "-LOADING Redis is loading"}) {
    Handshake handshake({.port = 6380});
    ask(handshake, 2);
    EXPECT_EQ(handshake.on_line(line).verdict, Verdict::kRetry);
  }
}

TEST(Handshake, FallsBackToSync) {
  for (char const* line : {"-ERR unknown command 'PSYNC'", "+FULLRESYNC short 12", "+FULLRESYNC"}) {
    Handshake handshake({.port = 6380});
    ask(handshake, 2);
    auto const step = handshake.on_line(line);
    EXPECT_EQ(step.verdict, Verdict::kOldFull) << line;
    EXPECT_EQ(step.send, line[0] == '-' ? "SYNC\r\n" : "");
  }
}

TEST(Handshake, DoesNotTakeAnythingForAPong) {
  Handshake handshake({.port = 6380});
  handshake.begin();
  EXPECT_EQ(handshake.on_line("-ERR max number of clients reached").verdict, Verdict::kRetry);
}

}  // namespace
}  // namespace holdfast::replication
