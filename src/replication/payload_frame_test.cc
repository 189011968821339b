#include "replication/payload_frame.h"

#include <gtest/gtest.h>

namespace holdfast::replication {
namespace {

std::string const kMark = "0123456789abcdef0123456789abcdef01234567";

/// Everything in pieces of `size` bytes; what is left when it is complete goes to `rest`.
std::string in_pieces(PayloadFrame& frame, std::string_view input, size_t size, std::string* rest = nullptr) {
  std::string out;
  for (size_t at = 0; at < input.size();) {
    std::string_view const piece = input.substr(at, size);
    auto const taken = frame.take(piece, out);
    EXPECT_TRUE(taken.has_value());
    if (!taken) return out;
    at += *taken;
    if (frame.complete()) {
      if (rest) *rest = input.substr(at);
      return out;
    }
  }
  return out;
}

TEST(PayloadFrame, CountedEndsWhereItSaysAndLeavesTheStream) {
  for (size_t size = 1; size < 40; size++) {
    PayloadFrame frame;
    std::string rest;
    EXPECT_EQ(in_pieces(frame, "\n\n$11\r\nREDIS0010ab*1\r\n$4\r\nPING\r\n", size, &rest), "REDIS0010ab");
    EXPECT_TRUE(frame.complete());
    EXPECT_FALSE(frame.marked());
    EXPECT_EQ(frame.total(), 11U);
    EXPECT_EQ(rest, "*1\r\n$4\r\nPING\r\n");
  }
}

TEST(PayloadFrame, MarkedEndsWithTheMark) {
  std::string const data = "REDIS0010-" + kMark.substr(1) + kMark.substr(0, 39) + "end";
  for (size_t size = 1; size < 200; size++) {
    PayloadFrame frame;
    EXPECT_EQ(in_pieces(frame, "\n$EOF:" + kMark + "\r\n" + data + kMark, size), data) << size;
    EXPECT_TRUE(frame.complete());
    EXPECT_FALSE(frame.total().has_value());
  }
}

TEST(PayloadFrame, ACutPayloadIsNotComplete) {
  PayloadFrame counted;
  in_pieces(counted, "$11\r\nREDIS0010a", 3);
  EXPECT_FALSE(counted.complete());
  PayloadFrame marked;
  in_pieces(marked, "$EOF:" + kMark + "\r\nREDIS" + kMark.substr(1), 7);
  EXPECT_FALSE(marked.complete());
}

TEST(PayloadFrame, AnEmptyCountedOneIsComplete) {
  PayloadFrame frame;
  EXPECT_EQ(in_pieces(frame, "$0\r\n", 4), "");
  EXPECT_TRUE(frame.complete());
}

TEST(PayloadFrame, RefusesErrorsAndNonsense) {
  for (std::string_view input : {"-ERR BGSAVE failed, replication can't continue\r\n", "+OK\r\n", "$-1\r\n", "$x\r\n", "*1\r\n"}) {
    PayloadFrame frame;
    std::string out;
    EXPECT_FALSE(frame.take(input, out).has_value()) << input;
  }
  PayloadFrame endless;
  std::string out;
  EXPECT_FALSE(endless.take(std::string(5000, 'x'), out).has_value());
}

}  // namespace
}  // namespace holdfast::replication
