#include "resp/output_buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace holdfast {
namespace {

/// Takes up to `bytes` out of the buffer through fill_iovec and consume.
std::string take(OutputBuffer& out, size_t bytes, int pieces_max = 4) {
  std::string taken;
  while (taken.size() < bytes) {
    iovec pieces[16];
    int count = out.fill_iovec(pieces, pieces_max);
    if (count == 0) break;
    size_t before = taken.size();
    for (int i = 0; i < count; i++) {
      size_t size = std::min(pieces[i].iov_len, bytes - taken.size());
      taken.append(static_cast<char const*>(pieces[i].iov_base), size);
    }
    out.consume(taken.size() - before);
  }
  return taken;
}

TEST(OutputBuffer, IsEmptyAndHoldsNothingAtFirst) {
  OutputBuffer out;
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(out.footprint(), 0u);
  iovec piece;
  EXPECT_EQ(out.fill_iovec(&piece, 1), 0);
  out.append("");
  EXPECT_EQ(out.blocks(), 0u);
}

TEST(OutputBuffer, HoldsOneSmallBlockForAShortReplyAndNoneWhenDrained) {
  OutputBuffer out;
  out.append("+OK\r\n");
  EXPECT_EQ(out.size(), 5u);
  EXPECT_EQ(out.blocks(), 1u);
  EXPECT_EQ(out.footprint(), OutputBuffer::kFirstBlockBytes);
  EXPECT_EQ(take(out, 2), "+O");
  EXPECT_EQ(out.to_string(), "K\r\n");
  EXPECT_EQ(take(out, 3), "K\r\n");
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(out.footprint(), 0u);
}

TEST(OutputBuffer, ReserveGivesOnePieceOfAnySize) {
  OutputBuffer out;
  out.append("head");
  size_t const big = 100'000;
  char* at = out.reserve(big);
  std::memset(at, 'x', big);
  out.commit(big);
  EXPECT_EQ(out.size(), big + 4);
  EXPECT_EQ(out.to_string(), "head" + std::string(big, 'x'));
}

TEST(OutputBuffer, LongBytesAreCutInBlocks) {
  OutputBuffer out;
  std::string text;
  for (int i = 0; i < 20'000; i++) text += std::to_string(i);
  out.append(text);
  EXPECT_GT(out.blocks(), 4u);
  EXPECT_EQ(out.size(), text.size());
  EXPECT_EQ(take(out, text.size()), text);
  EXPECT_EQ(out.footprint(), 0u);
}

TEST(OutputBuffer, LargeSharedBuffersAreReferencedSmallOnesCopied) {
  OutputBuffer out;
  SharedBufferRef large = SharedBuffer::copy_of(std::string(OutputBuffer::kReferenceBytesMin, 'L'));
  SharedBufferRef small = SharedBuffer::copy_of("small");
  out.append("<");
  out.append_shared(small);
  out.append_shared(large);
  out.append(">");
  EXPECT_FALSE(large->unique());
  EXPECT_TRUE(small->unique());
  EXPECT_EQ(out.size(), large->size() + 7);

  iovec pieces[8];
  ASSERT_EQ(out.fill_iovec(pieces, 8), 3);
  EXPECT_EQ(pieces[1].iov_base, large->data());

  EXPECT_EQ(take(out, 6 + large->size()), "<small" + std::string(large->view()));
  EXPECT_TRUE(large->unique()) << "the reference must go as soon as its bytes are sent";
  EXPECT_EQ(out.to_string(), ">");
}

TEST(OutputBuffer, ClearDropsReferences) {
  SharedBufferRef large = SharedBuffer::copy_of(std::string(20'000, 'L'));
  OutputBuffer out;
  out.append_shared(large);
  out.open_hole();
  out.clear();
  EXPECT_TRUE(large->unique());
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(out.footprint(), 0u);
  out.append("again");
  EXPECT_EQ(out.to_string(), "again");
}

TEST(OutputBuffer, NothingBehindAnOpenHoleIsOffered) {
  OutputBuffer out;
  out.append("before");
  size_t mark = out.open_hole();
  out.append("after");
  EXPECT_EQ(take(out, 100), "before");
  EXPECT_GT(out.blocks(), 0u);
  out.close_hole(mark, "*5\r\n");
  EXPECT_EQ(out.size(), 9u);
  EXPECT_EQ(take(out, 100), "*5\r\nafter");
}

TEST(OutputBuffer, HolesNestAndMayBeInEarlierBlocks) {
  OutputBuffer out;
  std::string filler(40'000, 'f');
  size_t outer = out.open_hole();
  out.append("a");
  size_t inner = out.open_hole();
  out.append(filler);
  out.close_hole(inner, "[inner]");
  out.append("b");
  size_t last = out.open_hole();
  out.close_hole(last, "");
  out.close_hole(outer, "0123456789abcdef");
  std::string expected = "0123456789abcdefa[inner]" + filler + "b";
  EXPECT_EQ(out.size(), expected.size());
  EXPECT_EQ(take(out, expected.size() + 1), expected);
  EXPECT_EQ(out.footprint(), 0u);
}

TEST(OutputBuffer, TakesOverAnotherOneAndGoesOn) {
  std::string const large(100'000, 'x');
  for (bool const begun : {false, true}) {
    OutputBuffer out, other;
    std::string expected;
    if (begun) {
      out.append("begun ");
      EXPECT_EQ(take(out, 2), "be");
      expected = "gun ";
    }
    other.append("other ");
    EXPECT_EQ(take(other, 1), "o");
    other.append_shared(SharedBuffer::copy_of(large));
    other.append(" tail");
    out.append_all(other);
    EXPECT_TRUE(other.empty());
    EXPECT_EQ(other.footprint(), 0u);
    out.append_all(other);
    out.append(" more");
    other.append("again");
    EXPECT_EQ(other.to_string(), "again");
    expected += "ther " + large + " tail more";
    EXPECT_EQ(out.size(), expected.size());
    EXPECT_EQ(take(out, expected.size() + 1), expected);
    EXPECT_EQ(out.footprint(), 0u);
    EXPECT_EQ(out.blocks(), 0u);
  }
}

TEST(OutputBuffer, AnySequenceOfWritesAndReadsKeepsTheBytesInOrder) {
  std::mt19937 random(1);
  OutputBuffer out;
  std::string expected;  // Unsent bytes.
  int next = 0;
  for (int turn = 0; turn < 4000; turn++) {
    std::string text;
    size_t size = random() % 8 == 0 ? random() % 40'000 : random() % 200;
    while (text.size() < size) text += std::to_string(next++);
    switch (random() % 4) {
      case 0:
        out.append(text);
        break;
      case 1:
        out.append_shared(SharedBuffer::copy_of(text));
        break;
      case 2:
        std::memcpy(out.reserve(text.size() + 5), text.data(), text.size());
        out.commit(text.size());
        break;
      default: {
        size_t mark = out.open_hole();
        out.append(text);
        out.close_hole(mark, "*1\r\n");
        text.insert(0, "*1\r\n");
      }
    }
    expected += text;
    ASSERT_EQ(out.size(), expected.size());
    if (random() % 3 == 0) {
      size_t bytes = random() % (expected.size() + 1);
      if (random() % 8 == 0) bytes = expected.size();
      ASSERT_EQ(take(out, bytes, 1 + static_cast<int>(random() % 5)), expected.substr(0, bytes));
      expected.erase(0, bytes);
      ASSERT_EQ(out.size(), expected.size());
      ASSERT_EQ(out.footprint() == 0, expected.empty());
    }
  }
  EXPECT_EQ(out.to_string(), expected);
}

}  // namespace
}  // namespace holdfast
