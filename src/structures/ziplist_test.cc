#include "structures/ziplist.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "structures/packed_list.h"
#include "structures/test_bytes.h"

namespace holdfast {
namespace {

std::vector<std::string> texts_of(std::string_view ziplist) {
  auto reader = ZiplistReader::open(ziplist);
  EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().message);
  std::vector<std::string> texts;
  packed::Element element;
  packed::TextScratch scratch;
  while (reader && reader->next(element)) texts.emplace_back(element.as_text(scratch));
  return texts;
}

std::string packed_of(std::vector<std::string> const& texts) {
  PackedListBuilder builder;
  for (std::string const& text : texts) builder.append(text);
  return builder.finish();
}

template <class Value>
std::string little(Value value) {
  return std::string(reinterpret_cast<char const*>(&value), sizeof value);
}

/// Writes ziplists as old servers did; `wide` also makes unnecessarily long forms.
std::string ziplist_of(std::vector<std::string> const& texts, Random* wide = nullptr) {
  std::string entries;
  size_t last_bytes = 0;
  for (std::string const& text : texts) {
    bool const longer = wide != nullptr && wide->below(4) == 0;
    std::string entry = last_bytes < 254 && !longer ? std::string(1, static_cast<char>(last_bytes))
                                                    : "\xFE" + little(static_cast<uint32_t>(last_bytes));
    packed::Element const element = packed::Element::of(text);
    if (element.is_integer && element.integer >= 0 && element.integer <= 12 && !longer) {
      entry += static_cast<char>(0xF1 + element.integer);
    } else if (element.is_integer && element.integer == static_cast<int8_t>(element.integer) && !longer) {
      entry += "\xFE" + little(static_cast<int8_t>(element.integer));
    } else if (element.is_integer) {
      entry += "\xE0" + little(element.integer);
    } else if (text.size() < 64 && !longer) {
      entry += static_cast<char>(text.size()) + text;
    } else if (text.size() < 16384 && !longer) {
      entry += static_cast<char>(0x40 | text.size() >> 8);
      entry += static_cast<char>(text.size() & 255);
      entry += text;
    } else {
      entry += "\x80" + little(__builtin_bswap32(static_cast<uint32_t>(text.size()))) + text;
    }
    last_bytes = entry.size();
    entries += entry;
  }
  auto const total = static_cast<uint32_t>(10 + entries.size() + 1);
  return little(total) + little(static_cast<uint32_t>(total - 1 - last_bytes)) +
         little(static_cast<uint16_t>(texts.size())) + entries + "\xFF";
}

std::string sample_of_redis() {
  return bytes_of_hex(
             "7E000000 34000000 0A00 00 05 68656c6c6f 07 F1 02 FD 02 FE 0D 03 FE FF 03 C0 E803 04 F0 90EEFE "
             "05 D0 00000002 06 E0 0000000000010000 0A 40 46") +
         std::string(70, 'x') + "\xFF";
}

TEST(Ziplist, ReadsWhatRedisReads) {
  EXPECT_EQ(texts_of(sample_of_redis()), (std::vector<std::string>{"hello", "0", "12", "13", "-1", "1000", "-70000",
                                                                   "33554432", "1099511627776", std::string(70, 'x')}));
  EXPECT_EQ(texts_of(bytes_of_hex("18000000 12000000 0400 00 01 61 03 F2 02 01 62 03 03 322E35 FF")),
            (std::vector<std::string>{"a", "1", "b", "2.5"}));
  EXPECT_EQ(texts_of(bytes_of_hex("10000000 0D000000 0200 00 01 61 03 F2 FF")), (std::vector<std::string>{"a", "1"}));
  EXPECT_TRUE(texts_of(bytes_of_hex("0B000000 0A000000 0000 FF")).empty());
}

TEST(Ziplist, BecomesThePackedListOfTheSameElements) {
  Random random(1);
  for (size_t round = 0; round < 300; ++round) {
    std::vector<std::string> texts(random.below(40));
    for (std::string& text : texts) text = random_text(random, round % 10 == 0 ? 20000 : 300);
    std::string const ziplist = ziplist_of(texts, &random);
    ASSERT_EQ(texts_of(ziplist), texts);
    auto const list = packed_list_from_ziplist(ziplist);
    ASSERT_TRUE(list.has_value());
    ASSERT_EQ(*list, packed_of(texts));
  }
}

TEST(Ziplist, ANumberWrittenAsTextBecomesANumber) {
  auto const list = packed_list_from_ziplist(bytes_of_hex("0F000000 0A000000 0100 00 02 3132 FF"));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(*list, packed_of({"12"}));
}

TEST(Ziplist, ACountOfFFFFIsNotBelieved) {
  auto const reader = ZiplistReader::open(bytes_of_hex("10000000 0D000000 FFFF 00 01 61 03 F2 FF"));
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->count(), 2u);
}

TEST(Ziplist, RefusesEachWrongField) {
  auto const refused = [](std::string_view hex) {
    auto const reader = ZiplistReader::open(bytes_of_hex(hex));
    return reader ? std::string("accepted") : reader.error().message;
  };
  EXPECT_EQ(refused("11000000 0D000000 0200 00 01 61 03 F2 FF"), "ziplist: wrong size");
  EXPECT_EQ(refused("0A000000 0A000000 0000"), "ziplist: wrong size");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 03 F2 FE"), "ziplist: no end mark");
  EXPECT_EQ(refused("10000000 0A000000 0200 00 01 61 03 F2 FF"), "ziplist: wrong tail offset");
  EXPECT_EQ(refused("0B000000 00000000 0000 FF"), "ziplist: wrong tail offset");
  EXPECT_EQ(refused("10000000 0D000000 0300 00 01 61 03 F2 FF"), "ziplist: wrong count");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 04 F2 FF"), "ziplist: wrong length of a previous entry");
  EXPECT_EQ(refused("10000000 0D000000 0200 01 01 61 03 F2 FF"), "ziplist: wrong length of a previous entry");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 03 C1 FF"), "ziplist: invalid entry");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 03 E0 FF"), "ziplist: invalid entry");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 FF F2 FF"), "ziplist: invalid entry");
  EXPECT_EQ(refused("10000000 0D000000 0200 00 01 61 03 FF FF"), "ziplist: invalid entry");
  EXPECT_EQ(refused("10000000 0A000000 0100 00 80 FFFFFFFF FF"), "ziplist: wrong size");
  EXPECT_EQ(refused("11000000 0A000000 0100 00 80 FFFFFFFF FF"), "ziplist: invalid entry");
}

TEST(Ziplist, DamagedBytesAreRefusedOrSafeToRead) {
  Random random(2);
  size_t accepted = 0;
  for (size_t round = 0; round < 30'000; ++round) {
    std::vector<std::string> texts(1 + random.below(6));
    for (std::string& text : texts) text = random_text(random, 300);
    std::string list = damaged(round % 4 == 0 ? sample_of_redis() : ziplist_of(texts, &random), random);
    if (random.below(2) == 0 && list.size() >= 11) {
      auto const total = static_cast<uint32_t>(list.size());
      std::memcpy(list.data(), &total, sizeof total);
      list.back() = '\xFF';
    }
    ExactBytes const bytes((std::string_view(list)));
    auto const reader = ZiplistReader::open(bytes.view());
    auto const converted = packed_list_from_ziplist(bytes.view());
    ASSERT_EQ(reader.has_value(), converted.has_value());
    if (!reader) continue;
    ++accepted;
    ASSERT_EQ(texts_of(bytes.view()).size(), reader->count());
    ASSERT_TRUE(PackedListView::validate(*converted, true));
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace holdfast
