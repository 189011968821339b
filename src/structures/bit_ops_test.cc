#include "structures/bit_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "structures/bit_kernels.h"

namespace holdfast {
namespace {

std::string random_bytes(Random& random, size_t size) {
  std::string bytes(size, '\0');
  // Runs of equal bytes are as interesting as noise.
  for (size_t at = 0; at < size;) {
    size_t const end = std::min<size_t>(size, at + 1 + random.below(200));
    uint64_t const kind = random.below(3);
    for (; at < end; ++at) bytes[at] = static_cast<char>(kind == 0 ? 0 : kind == 1 ? 0xFF : random.next());
  }
  return bytes;
}

std::vector<bool> bits_of(std::string_view bytes) {
  std::vector<bool> bits;
  for (char byte : bytes) {
    for (int shift = 7; shift >= 0; --shift) bits.push_back((static_cast<uint8_t>(byte) >> shift) & 1);
  }
  return bits;
}

TEST(BitOps, FirstBitIsTheMostSignificant) {
  std::string bytes(2, '\0');
  EXPECT_FALSE(set_bit(bytes, 1, true));
  EXPECT_FALSE(set_bit(bytes, 15, true));
  EXPECT_EQ(bytes, "\x40\x01");
  EXPECT_TRUE(set_bit(bytes, 1, true));
  EXPECT_TRUE(set_bit(bytes, 1, false));
  EXPECT_EQ(bytes, std::string("\0\x01", 2));
  EXPECT_TRUE(get_bit(bytes, 15));
  EXPECT_FALSE(get_bit(bytes, 14));
  EXPECT_FALSE(get_bit(bytes, 16));
  EXPECT_FALSE(get_bit(bytes, UINT64_MAX));
}

TEST(BitOps, CountsAndFindsLikeAListOfBits) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    std::string const bytes = random_bytes(random, 1 + random.below(round % 10 == 0 ? 3000 : 60));
    auto const bits = bits_of(bytes);
    EXPECT_EQ(count_bits(bytes), static_cast<uint64_t>(std::ranges::count(bits, true)));
    for (int i = 0; i < 20; ++i) {
      uint64_t const first = random.below(bits.size());
      uint64_t const last = first + random.below(bits.size() - first);
      auto const begin = bits.begin() + static_cast<ptrdiff_t>(first);
      auto const end = bits.begin() + static_cast<ptrdiff_t>(last) + 1;
      EXPECT_EQ(count_bits(bytes, first, last), static_cast<uint64_t>(std::count(begin, end, true)));
      for (bool const value : {false, true}) {
        auto const at = std::find(begin, end, value);
        auto const expected = at == end ? std::nullopt : std::optional<uint64_t>(at - bits.begin());
        EXPECT_EQ(find_bit(bytes, value, first, last), expected);
      }
    }
  }
}

TEST(BitOps, EmptyRangesHaveNothing) {
  EXPECT_EQ(count_bits(""), 0u);
  EXPECT_EQ(count_bits("\xFF", 5, 4), 0u);
  EXPECT_EQ(find_bit("\xFF", true, 5, 4), std::nullopt);
}

TEST(BitOps, CombinesSourcesOfUnequalLength) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> strings(1 + random.below(6));
    for (auto& string : strings) string = random_bytes(random, random.below(round % 5 == 0 ? 1000 : 40));
    std::vector<std::string_view> const sources(strings.begin(), strings.end());
    size_t longest = 0;
    for (auto const& source : sources) longest = std::max(longest, source.size());

    for (auto const operation : {BitOperation::kAnd, BitOperation::kOr, BitOperation::kXor}) {
      std::string expected(longest, '\0');
      for (size_t i = 0; i < longest; ++i) {
        auto const byte = [&](size_t s) { return i < sources[s].size() ? static_cast<uint8_t>(sources[s][i]) : 0; };
        int value = byte(0);
        for (size_t s = 1; s < sources.size(); ++s) {
          if (operation == BitOperation::kAnd) value &= byte(s);
          if (operation == BitOperation::kOr) value |= byte(s);
          if (operation == BitOperation::kXor) value ^= byte(s);
        }
        expected[i] = static_cast<char>(value);
      }
      std::string out(longest, 'x');
      combine_bits(operation, sources, out);
      EXPECT_EQ(out, expected);
    }

    std::string inverted(sources[0].size(), 'x');
    combine_bits(BitOperation::kNot, std::span(sources).first(1), inverted);
    for (size_t i = 0; i < inverted.size(); ++i) {
      ASSERT_EQ(static_cast<uint8_t>(inverted[i]), static_cast<uint8_t>(~sources[0][i]));
    }
  }
}

TEST(BitKernels, ChosenAndPortableFormsAgree) {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    std::string const a = random_bytes(random, random.below(2000));
    std::string const b = random_bytes(random, a.size());
    EXPECT_EQ(count_ones(a), count_ones_portable(a));
    for (uint8_t const byte : {0x00, 0xFF}) {
      for (size_t const skipped : {skip_equal_bytes(a, byte), skip_equal_bytes_portable(a, byte)}) {
        EXPECT_EQ(skipped % 32, 0u);
        ASSERT_LE(skipped, a.size());
        EXPECT_EQ(std::ranges::count(a.substr(0, skipped), static_cast<char>(byte)), static_cast<ptrdiff_t>(skipped));
      }
    }
    char const* const sources[] = {a.data(), b.data()};
    for (auto const operation : {BitOperation::kAnd, BitOperation::kOr, BitOperation::kXor, BitOperation::kNot}) {
      auto const used = std::span<char const* const>(sources).first(operation == BitOperation::kNot ? 1 : 2);
      std::string chosen(a.size(), 'x');
      std::string portable(a.size(), 'y');
      combine_runs(operation, used, chosen);
      combine_runs_portable(operation, used, portable);
      EXPECT_EQ(chosen, portable);
    }
  }
}

}  // namespace
}  // namespace holdfast
