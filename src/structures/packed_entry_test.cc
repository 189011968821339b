#include "structures/packed_entry.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/strings.h"
#include "structures/test_bytes.h"

namespace holdfast::packed {
namespace {

std::string written(Element const& element) {
  std::string bytes(entry_bytes(element), '\0');
  char* const end = write_entry(bytes.data(), element);
  EXPECT_EQ(end, bytes.data() + bytes.size());
  return bytes;
}

std::string text_at(char const* at) {
  TextScratch scratch;
  return std::string(read_entry(at).as_text(scratch));
}

TEST(PackedEntry, IntegersTakeTheSmallestForm) {
  struct Case {
    int64_t value;
    std::string_view hex;
  };
  Case const cases[] = {
      {0, "0001"},
      {127, "7f01"},
      {128, "c08002"},
      {-1, "dfff02"},
      {-5, "dffb02"},
      {4095, "cfff02"},
      {-4096, "d00002"},
      {4096, "f1001003"},
      {-4097, "f1ffef03"},
      {INT16_MAX, "f1ff7f03"},
      {INT16_MIN, "f1008003"},
      {INT16_MAX + 1, "f200800004"},
      {70000, "f270110104"},
      {INT16_MIN - 1, "f2ff7fff04"},
      {(1 << 23) - 1, "f2ffff7f04"},
      {-(1 << 23), "f200008004"},
      {1 << 23, "f30000800005"},
      {INT32_MIN, "f30000008005"},
      {int64_t{INT32_MAX} + 1, "f4000000800000000009"},
      {INT64_MAX, "f4ffffffffffffff7f09"},
      {INT64_MIN, "f4000000000000008009"},
  };
  for (Case const& c : cases) {
    std::string const bytes = written(Element::of_integer(c.value));
    EXPECT_EQ(to_hex(bytes), c.hex) << c.value;
    EXPECT_EQ(written(Element::of(std::to_string(c.value))), bytes);
    EXPECT_EQ(read_entry(bytes.data()), Element::of_integer(c.value));
    EXPECT_EQ(text_at(bytes.data()), std::to_string(c.value));
  }
}

TEST(PackedEntry, OnlyCanonicalTextsAreIntegers) {
  for (std::string_view text : {"0", "7", "-1", "10", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_TRUE(Element::of(text).is_integer) << text;
  }
  for (std::string_view text : {"", "-", "-0", "01", "+1", " 1", "1 ", "1.0", "9223372036854775808", "abc", "0x1",
                                "-9223372036854775809", "00000000000000000000"}) {
    Element const element = Element::of(text);
    EXPECT_FALSE(element.is_integer) << text;
    EXPECT_EQ(element.text, text);
    EXPECT_EQ(element.text_bytes(), text.size());
  }
  EXPECT_EQ(Element::of("-123").text_bytes(), 4u);
}

TEST(PackedEntry, TextsTakeTheSmallestForm) {
  EXPECT_EQ(to_hex(written(Element::of(""))), "8001");
  EXPECT_EQ(to_hex(written(Element::of("big"))), "8362696704");
  EXPECT_EQ(to_hex(written(Element::of(std::string(63, 'x'))).substr(0, 2)), "bf78");
  EXPECT_EQ(to_hex(written(Element::of(std::string(64, 'x'))).substr(0, 3)), "e04078");
  EXPECT_EQ(to_hex(written(Element::of(std::string(4095, 'x'))).substr(0, 3)), "efff78");
  EXPECT_EQ(to_hex(written(Element::of(std::string(4096, 'x'))).substr(0, 6)), "f00010000078");
}

TEST(PackedEntry, TheBacklenGrowsOneBelowThePowersOfTwo) {
  struct Case {
    size_t body_bytes;
    size_t header_bytes;
    std::string_view backlen;
  };
  Case const cases[] = {{127, 2, "7f"},           {128, 2, "0180"},        {16382, 5, "7ffe"},
                        {16383, 5, "00ffff"},     {16384, 5, "018080"},    {2097150, 5, "7ffffe"},
                        {2097151, 5, "00ffffff"}, {2097152, 5, "01808080"}};
  for (Case const& c : cases) {
    std::string const text(c.body_bytes - c.header_bytes, 'x');
    std::string const bytes = written(Element::of(text));
    EXPECT_EQ(to_hex(std::string_view(bytes).substr(c.body_bytes)), c.backlen);
    EXPECT_EQ(entry_bytes_at(bytes.data()), bytes.size());
    EXPECT_EQ(previous(bytes.data() + bytes.size()), bytes.data());
    EXPECT_EQ(checked_entry_bytes(bytes.data(), bytes.size()), bytes.size());
    EXPECT_EQ(checked_entry_bytes(bytes.data(), bytes.size() - 1), std::nullopt);
    EXPECT_EQ(read_entry(bytes.data()).text, text);
  }
}

TEST(PackedEntry, WalksBothWays) {
  Random random(1);
  std::string bytes;
  std::vector<std::string> texts;
  std::vector<size_t> offsets;
  for (size_t i = 0; i < 2000; ++i) {
    texts.push_back(random_text(random, 20000));
    offsets.push_back(bytes.size());
    bytes += written(Element::of(texts.back()));
  }
  char const* at = bytes.data();
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(at, bytes.data() + offsets[i]);
    ASSERT_EQ(text_at(at), texts[i]);
    at = next(at);
  }
  ASSERT_EQ(at, bytes.data() + bytes.size());
  for (size_t i = texts.size(); i-- > 0;) {
    at = previous(at);
    ASSERT_EQ(at, bytes.data() + offsets[i]);
  }
  EXPECT_EQ(advance(bytes.data(), bytes.data() + bytes.size(), 7), bytes.data() + offsets[7]);
  EXPECT_EQ(advance(bytes.data(), bytes.data() + bytes.size(), 9999), bytes.data() + bytes.size());
}

// Longer forms than necessary and numbers as text come from other writers.
TEST(PackedEntry, ANeedleMatchesEveryFormOfItsText) {
  struct Case {
    std::string_view text;
    std::string_view hex;
  };
  Case const cases[] = {
      {"5", "0501"},         {"5", "c00502"},         {"5", "f1050003"},
      {"5", "f205000004"},   {"5", "f30500000005"},   {"5", "f4050000000000000009"},
      {"5", "813502"},       {"5", "e0013503"},       {"5", "f0010000003506"},
      {"abc", "8361626304"}, {"abc", "e00361626305"}, {"abc", "f00300000061626308"},
      {"", "8001"},          {"", "e00002"},          {"-4096", "d00002"},
      {"-4096", "f100f003"},
  };
  for (Case const& entry : cases) {
    std::string const bytes = bytes_of_hex(entry.hex);
    ASSERT_EQ(checked_entry_bytes(bytes.data(), bytes.size()), bytes.size()) << entry.hex;
    EXPECT_EQ(text_at(bytes.data()), entry.text);
    for (std::string_view text : {"5", "6", "abc", "abd", "", "-4096", "4096", "a", "05"}) {
      EXPECT_EQ(Needle(text).matches(bytes.data()), text == entry.text) << entry.hex << " and " << text;
    }
  }
}

TEST(PackedEntry, ANeedleFindsWhatAComparisonOfTextsFinds) {
  Random random(2);
  std::vector<std::string> texts;
  std::vector<std::string> entries;
  for (size_t i = 0; i < 400; ++i) {
    texts.push_back(random_text(random, 5000));
    // Neighbours that differ in one byte only.
    if (i % 2 == 1 && !texts[i - 1].empty()) {
      texts[i] = texts[i - 1];
      texts[i][random.below(texts[i].size())] = 'z';
    }
    entries.push_back(written(Element::of(texts[i])));
  }
  for (std::string const& text : texts) {
    Needle const needle(text);
    for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(needle.matches(entries[i].data()), text == texts[i]);
  }
}

TEST(PackedEntry, FindPassesOverWhatItIsToldTo) {
  std::string bytes;
  for (std::string_view text : {"a", "b", "b", "a", "c"}) bytes += written(Element::of(text));
  char const* const begin = bytes.data();
  char const* const end = begin + bytes.size();
  EXPECT_EQ(find(begin, end, Needle("b")), begin + 3);
  EXPECT_EQ(find(begin, end, Needle("b"), 1), begin + 6);
  EXPECT_EQ(find(begin, end, Needle("a"), 2), begin);
  EXPECT_EQ(find(begin + 3, end, Needle("c"), 2), begin + 12);
  EXPECT_EQ(find(begin + 3, end, Needle("a"), 0), begin + 9);
  EXPECT_EQ(find(begin, end, Needle("c"), 1), begin + 12);
  EXPECT_EQ(find(begin, end, Needle("c"), 2), nullptr);
  EXPECT_EQ(find(end, end, Needle("a")), nullptr);
}

TEST(PackedEntry, EveryCutAndEveryWrongBacklenIsRefused) {
  Random random(3);
  for (size_t i = 0; i < 300; ++i) {
    std::string const good = written(Element::of(random_text(random, 300)));
    for (size_t size = 0; size < good.size(); ++size) {
      ExactBytes const cut(std::string_view(good).substr(0, size));
      ASSERT_EQ(checked_entry_bytes(cut.view().data(), size), std::nullopt);
    }
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad.back() = static_cast<char>(bad.back() ^ (1 << bit));
      ASSERT_EQ(checked_entry_bytes(bad.data(), bad.size()), std::nullopt);
    }
  }
  for (int head = 0xF5; head <= 0xFF; ++head) {
    std::string const bytes = std::string(1, static_cast<char>(head)) + std::string(20, '\1');
    EXPECT_EQ(checked_entry_bytes(bytes.data(), bytes.size()), std::nullopt);
  }
}

TEST(PackedEntry, ALengthNearFourGiBIsRefusedWithoutOverflow) {
  std::string const bytes = bytes_of_hex("f0ffffffff61ff");
  EXPECT_EQ(checked_entry_bytes(bytes.data(), bytes.size()), std::nullopt);
}

}  // namespace
}  // namespace holdfast::packed
