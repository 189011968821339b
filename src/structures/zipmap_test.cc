#include "structures/zipmap.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "structures/packed_list.h"
#include "structures/test_bytes.h"
#include "structures/test_pairs.h"

namespace holdfast {
namespace {

Pairs pairs_of(std::string_view zipmap) {
  auto reader = ZipmapReader::open(zipmap);
  EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().message);
  Pairs pairs;
  packed::Element field;
  packed::Element value;
  packed::TextScratch field_scratch;
  packed::TextScratch value_scratch;
  while (reader && reader->next(field, value)) {
    pairs.emplace_back(field.as_text(field_scratch), value.as_text(value_scratch));
  }
  return pairs;
}

std::string length_of(size_t length) {
  if (length < 254) return std::string(1, static_cast<char>(length));
  auto const wide = static_cast<uint32_t>(length);
  return "\xFE" + std::string(reinterpret_cast<char const*>(&wide), sizeof wide);
}

std::string zipmap_of(Pairs const& pairs, Random& random) {
  std::string map(1, static_cast<char>(pairs.size() < 254 ? pairs.size() : 254));
  for (auto const& [field, value] : pairs) {
    size_t const unused = random.below(5);
    map += length_of(field.size()) + field + length_of(value.size());
    map += static_cast<char>(unused);
    map += value + std::string(unused, 'X');
  }
  return map + "\xFF";
}

Pairs random_pairs(Random& random, size_t count, size_t bytes_max) {
  Pairs pairs(count);
  // The number keeps the fields apart.
  for (size_t i = 0; i < count; ++i) {
    pairs[i] = {std::to_string(i) + "." + random_text(random, bytes_max), random_text(random, bytes_max)};
  }
  return pairs;
}

TEST(Zipmap, ReadsWhatRedisReads) {
  EXPECT_EQ(pairs_of(bytes_of_hex("02 03 666F6F 03 00 626172 05 68656C6C6F 05 02 776F726C64 5858 FF")),
            (Pairs{{"foo", "bar"}, {"hello", "world"}}));
}

TEST(Zipmap, BecomesThePackedListOfTheSamePairs) {
  Random random(1);
  for (size_t round = 0; round < 300; ++round) {
    Pairs const pairs = random_pairs(random, 1 + random.below(round % 20 == 0 ? 400 : 20), 1000);
    std::string const zipmap = zipmap_of(pairs, random);
    ASSERT_EQ(pairs_of(zipmap), pairs);
    auto const list = packed_list_from_zipmap(zipmap);
    ASSERT_TRUE(list.has_value());
    ASSERT_EQ(*list, packed_of(pairs));
  }
}

TEST(Zipmap, RefusesEachWrongField) {
  auto const refused = [](std::string_view bytes) {
    auto const reader = ZipmapReader::open(bytes);
    return reader ? std::string("accepted") : reader.error().message;
  };
  auto const refused_hex = [&](std::string_view hex) { return refused(bytes_of_hex(hex)); };
  EXPECT_EQ(refused_hex(""), "zipmap: no end mark");
  EXPECT_EQ(refused_hex("FF"), "zipmap: no end mark");
  EXPECT_EQ(refused_hex("01 01 61 01 00 62 FE"), "zipmap: no end mark");
  EXPECT_EQ(refused_hex("00 FF"), "zipmap: wrong count");
  EXPECT_EQ(refused_hex("FE FF"), "zipmap: wrong count");
  EXPECT_EQ(refused_hex("02 01 61 01 00 62 FF"), "zipmap: wrong count");
  EXPECT_EQ(refused_hex("FE 01 61 01 00 62 FF"), "accepted");
  EXPECT_EQ(refused_hex("01 01 61 01 01 62 FF"), "zipmap: invalid pair");
  EXPECT_EQ(refused_hex("01 01 61 02 00 62 FF"), "zipmap: invalid pair");
  EXPECT_EQ(refused_hex("01 01 61 FF"), "zipmap: invalid pair");
  EXPECT_EQ(refused_hex("01 FE 01000000 61 01 00 62 FF"), "zipmap: invalid pair") << "long form of a short length";
  EXPECT_EQ(refused_hex("01 FE FFFFFFFF 61 01 00 62 FF"), "zipmap: invalid pair");
  EXPECT_EQ(refused_hex("02 01 61 01 00 62 01 61 01 00 63 FF"), "zipmap: a field twice");
}

TEST(Zipmap, DamagedBytesAreRefusedOrSafeToRead) {
  Random random(2);
  size_t accepted = 0;
  for (size_t round = 0; round < 30'000; ++round) {
    std::string const map = damaged(zipmap_of(random_pairs(random, 1 + random.below(5), 300), random), random);
    ExactBytes const bytes((std::string_view(map)));
    auto const reader = ZipmapReader::open(bytes.view());
    auto const converted = packed_list_from_zipmap(bytes.view());
    ASSERT_EQ(reader.has_value(), converted.has_value());
    if (!reader) continue;
    ++accepted;
    ASSERT_EQ(pairs_of(bytes.view()).size(), reader->count());
    ASSERT_TRUE(PackedListView::validate(*converted, true));
    ASSERT_EQ(PackedListView(*converted).count(), 2 * reader->count());
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace holdfast
