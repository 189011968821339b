#include "structures/bit_field.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "structures/bit_ops.h"

namespace holdfast {
namespace {

constexpr uint64_t kBytesMax = 512ull << 20;
constexpr auto kWrap = BitOverflow::kWrap;
constexpr auto kSaturate = BitOverflow::kSaturate;
constexpr auto kFail = BitOverflow::kFail;
constexpr BitFieldType kU8{false, 8};
constexpr BitFieldType kI8{true, 8};
constexpr BitFieldType kU63{false, 63};
constexpr BitFieldType kI64{true, 64};

TEST(BitField, TypesAreALetterAndAWidth) {
  EXPECT_EQ(parse_bit_field_type("u8"), kU8);
  EXPECT_EQ(parse_bit_field_type("i64"), kI64);
  EXPECT_EQ(parse_bit_field_type("u63"), kU63);
  EXPECT_EQ(parse_bit_field_type("i1"), (BitFieldType{true, 1}));
  for (auto const text :
       {"", "u", "i", "u64", "i65", "u0", "i0", "x8", "u08", "i+8", "i 8", "U8", "I8", "i-1", "u1 ", "i1a"}) {
    EXPECT_EQ(parse_bit_field_type(text), std::nullopt) << text;
  }
}

TEST(BitField, OffsetsMayCountFields) {
  EXPECT_EQ(parse_bit_offset("0", 8, kBytesMax), 0u);
  EXPECT_EQ(parse_bit_offset("#3", 5, kBytesMax), 15u);
  EXPECT_EQ(parse_bit_offset("4294967295", 8, kBytesMax), 4294967295u);
  EXPECT_EQ(parse_bit_offset("#536870911", 8, kBytesMax), 4294967288u);
  for (auto const text : {"4294967296", "#536870912", "9223372036854775807", "#9223372036854775807", "-1", "#-1", "+1",
                          "01", "#", "", "#+1", "# 1", "1a"}) {
    EXPECT_EQ(parse_bit_offset(text, 8, kBytesMax), std::nullopt) << text;
  }
  EXPECT_EQ(parse_bit_offset("7", 0, kBytesMax), 7u);
  EXPECT_EQ(parse_bit_offset("#7", 0, kBytesMax), std::nullopt);
  EXPECT_EQ(parse_bit_offset("#9223372036854775807", 64, INT64_MAX), std::nullopt);
}

TEST(BitField, OverflowNamesHaveAnyCase) {
  EXPECT_EQ(parse_bit_overflow("wRaP"), kWrap);
  EXPECT_EQ(parse_bit_overflow("SAT"), kSaturate);
  EXPECT_EQ(parse_bit_overflow("fail"), kFail);
  EXPECT_EQ(parse_bit_overflow("saturate"), std::nullopt);
}

TEST(BitField, ReadsAndWritesLikeAListOfBits) {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    bool const is_signed = random.below(2) == 0;
    BitFieldType const type{is_signed, static_cast<uint8_t>(1 + random.below(is_signed ? 64 : 63))};
    uint64_t const offset = random.below(24 * 8 - type.bits + 1);
    auto const value = static_cast<int64_t>(random.next());
    EXPECT_LE(bit_field_end(type, offset), bytes.size());

    std::string expected = bytes;
    uint64_t stored = 0;
    for (unsigned i = 0; i < type.bits; ++i) {
      bool const bit = (static_cast<uint64_t>(value) >> (type.bits - 1 - i)) & 1;
      stored = stored << 1 | bit;
      set_bit(expected, offset + i, bit);
    }
    write_bit_field(bytes, type, offset, value);
    EXPECT_EQ(bytes, expected);
    if (is_signed && type.bits < 64 && (stored >> (type.bits - 1))) stored -= uint64_t{1} << type.bits;
    EXPECT_EQ(read_bit_field(bytes, type, offset), static_cast<int64_t>(stored));
  }
}

TEST(BitField, BitsBeyondTheEndAreZero) {
  EXPECT_EQ(read_bit_field("", kI64, 4294967295), 0);
  EXPECT_EQ(read_bit_field("\xFF", kU8, 4), 0xF0);
  EXPECT_EQ(read_bit_field("\xFF", kI8, 4), -16);
  EXPECT_EQ(read_bit_field("\xFF", kI64, 7), INT64_MIN);
  EXPECT_EQ(bit_field_end(kU8, 0), 1u);
  EXPECT_EQ(bit_field_end(kU8, 1), 2u);
}

// Results of redis-server 7.0.15.
TEST(BitField, SetFitsTheValueLikeTheReference) {
  EXPECT_EQ(fit_bit_field(kU8, 300, kWrap), 44);
  EXPECT_EQ(fit_bit_field(kU8, 300, kSaturate), 255);
  EXPECT_EQ(fit_bit_field(kU8, 300, kFail), std::nullopt);
  EXPECT_EQ(fit_bit_field(kU8, 255, kFail), 255);
  EXPECT_EQ(fit_bit_field(kI8, 300, kWrap), 44);
  EXPECT_EQ(fit_bit_field(kI8, 300, kSaturate), 127);
  EXPECT_EQ(fit_bit_field(kI8, -300, kSaturate), -128);
  EXPECT_EQ(fit_bit_field(kI8, 200, kWrap), -56);
  EXPECT_EQ(fit_bit_field(kU63, INT64_MAX, kFail), INT64_MAX);
  EXPECT_EQ(fit_bit_field(kI64, INT64_MIN, kFail), INT64_MIN);
}

TEST(BitField, SetTakesNegativeValuesOfUnsignedFieldsAsLargeOnes) {
  EXPECT_EQ(fit_bit_field(kU8, -1, kSaturate), 255);
  EXPECT_EQ(fit_bit_field(kU8, -300, kSaturate), 255);
  EXPECT_EQ(fit_bit_field(kU63, INT64_MIN, kSaturate), INT64_MAX);
  EXPECT_EQ(fit_bit_field(kU63, -1, kWrap), INT64_MAX);
}

TEST(BitField, SetSaturatesTheLowestValuesUpwardsAsTheReference) {
  BitFieldType const i12{true, 12};
  EXPECT_EQ(fit_bit_field(i12, INT64_MIN, kSaturate), 2047);
  EXPECT_EQ(fit_bit_field(i12, INT64_MIN + 2047, kSaturate), 2047);
  EXPECT_EQ(fit_bit_field(i12, INT64_MIN + 2048, kSaturate), -2048);
  EXPECT_EQ(fit_bit_field(i12, INT64_MIN, kWrap), 0);
  EXPECT_EQ(fit_bit_field(i12, INT64_MIN, kFail), std::nullopt);
}

TEST(BitField, IncrementOverflowsLikeTheReference) {
  EXPECT_EQ(add_bit_field(kU8, 127, 300, kWrap), 171);
  EXPECT_EQ(add_bit_field(kU8, 127, 300, kSaturate), 255);
  EXPECT_EQ(add_bit_field(kU8, 127, 300, kFail), std::nullopt);
  EXPECT_EQ(add_bit_field(kU8, 127, -300, kWrap), 83);
  EXPECT_EQ(add_bit_field(kU8, 127, -300, kSaturate), 0);
  EXPECT_EQ(add_bit_field(kI8, 127, 300, kWrap), -85);
  EXPECT_EQ(add_bit_field(kI8, 127, INT64_MIN, kWrap), 127);
  EXPECT_EQ(add_bit_field(kI8, 127, INT64_MIN, kSaturate), -128);
  EXPECT_EQ(add_bit_field(kI64, INT64_MAX, INT64_MAX, kSaturate), INT64_MAX);
  EXPECT_EQ(add_bit_field(kI64, INT64_MIN, INT64_MIN, kSaturate), INT64_MIN);
  EXPECT_EQ(add_bit_field(kI64, INT64_MAX, 1, kWrap), INT64_MIN);
  EXPECT_EQ(add_bit_field(kI64, INT64_MAX, 1, kFail), std::nullopt);
  EXPECT_EQ(add_bit_field(kU63, 4611544729027313535, INT64_MAX, kWrap), 4611544729027313534);
  EXPECT_EQ(add_bit_field(kU63, 4611544729027313535, INT64_MIN, kSaturate), 0);
}

}  // namespace
}  // namespace holdfast
