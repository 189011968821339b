#include "rdb/byte_reader.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rdb/string_value.h"
#include "rdb/test_vectors.h"

namespace holdfast {
namespace {

TEST(ByteReader, Lengths) {
  struct Case {
    char const* hex;
    uint64_t value;
  };
  for (Case const& c : {Case{"3f", 63}, Case{"4040", 64}, Case{"4003", 3}, Case{"8000000003", 3},
                        Case{"810000000000000003", 3}, Case{"81ffffffffffffffff", UINT64_MAX}}) {
    std::string const bytes = from_hex(c.hex);
    ByteReader in(bytes);
    EXPECT_EQ(in.length(), c.value) << c.hex;
    EXPECT_TRUE(in.ok() && in.at_end());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      ByteReader part(std::string_view(bytes).substr(0, cut));
      part.length();
      EXPECT_EQ(part.fault(), RdbFault::kShortRead);
      EXPECT_GT(part.missing_bytes(), 0u);
    }
  }
  for (char const* bad : {"82", "bf", "c0", "ff"}) {
    std::string const bytes = from_hex(bad);
    ByteReader in(bytes);
    in.length();
    EXPECT_EQ(in.fault(), RdbFault::kCorrupt) << bad;
  }
}

TEST(ByteReader, TheFirstFaultSticks) {
  ByteReader in(
      "\x05"
      "ab");
  std::string scratch;
  EXPECT_EQ(in.string(scratch), "");
  EXPECT_EQ(in.fault(), RdbFault::kShortRead);
  EXPECT_EQ(in.missing_bytes(), 3u);
  size_t const at = in.offset();
  EXPECT_EQ(in.byte(), 0);
  EXPECT_EQ(in.length(), 0u);
  EXPECT_EQ(in.raw(1), "");
  in.skip_string();
  in.corrupt();
  EXPECT_EQ(in.fault(), RdbFault::kShortRead);
  EXPECT_EQ(in.offset(), at);
}

TEST(ByteReader, Strings) {
  struct Case {
    char const* hex;
    std::string text;
  };
  for (Case const& c : {Case{"00", ""}, Case{"0568656c6c6f", "hello"}, Case{"c00c", "12"}, Case{"c17fff", "-129"},
                        Case{"c2a0860100", "100000"},
                        Case{"c3094064016161e057000161"
                             "61",
                             std::string(100, 'a')},
                        Case{"8000000003616263", "abc"}}) {
    std::string const bytes = from_hex(c.hex);
    ByteReader in(bytes);
    std::string scratch;
    EXPECT_EQ(in.string(scratch), c.text) << c.hex;
    EXPECT_TRUE(in.ok() && in.at_end());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      ByteReader part(std::string_view(bytes).substr(0, cut));
      part.string(scratch);
      EXPECT_EQ(part.fault(), RdbFault::kShortRead) << c.hex << " cut at " << cut;
    }
  }
}

TEST(ByteReader, CorruptStrings) {
  for (char const* bad : {
           "c4616263",  // no such kind
           "c309406301616"
           "1e0570001"
           "6161",  // 100 bytes where 99 are announced
           "c309406501616"
           "1e0570001"
           "6161",        // 101 are announced
           "c3020101e0",  // too little announced for the control bytes
           "c30205"
           "2000",    // reference before the start of the output
           "c302ff",  // a length cannot be a special kind
           "c3018100000000ffffffff"
           "61",        // 4 GiB out of one byte
           "c3000000",  // nothing out of nothing
       }) {
    std::string const bytes = from_hex(bad);
    ByteReader in(bytes);
    std::string scratch;
    in.string(scratch);
    EXPECT_EQ(in.fault(), RdbFault::kCorrupt) << bad;
  }
}

TEST(ByteReader, CountsAreHeldAgainstTheInput) {
  std::string const bytes = from_hex("81ffffffffffffffff00");
  ByteReader in(bytes);
  EXPECT_EQ(in.count(16), 0u);
  EXPECT_EQ(in.fault(), RdbFault::kShortRead);
  EXPECT_EQ(in.missing_bytes(), UINT64_MAX - 1);

  std::string const three = from_hex("03616263");
  ByteReader ok(three);
  EXPECT_EQ(ok.count(1), 3u);
  EXPECT_TRUE(ok.ok());
  ByteReader wide(three);
  EXPECT_EQ(wide.count(2), 0u);
  EXPECT_EQ(wide.missing_bytes(), 3u);
}

TEST(ByteReader, Numbers) {
  std::string const bytes = from_hex(
      "000000000000f83f"
      "feffffff"
      "00000000000003e8"
      "feffffffffffffff");
  ByteReader in(bytes);
  EXPECT_EQ(in.binary64(), 1.5);
  EXPECT_EQ(in.fixed32_signed(), -2);
  EXPECT_EQ(in.big_endian64(), 1000u);
  EXPECT_EQ(in.fixed64_signed(), -2);
  EXPECT_TRUE(in.ok() && in.at_end());
}

TEST(ByteReader, AsciiDoubles) {
  std::string const bytes = from_hex("03312e35fefffd023137");
  ByteReader in(bytes);
  EXPECT_EQ(in.ascii_double(), 1.5);
  EXPECT_EQ(in.ascii_double(), HUGE_VAL);
  EXPECT_EQ(in.ascii_double(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(in.ascii_double()));
  EXPECT_EQ(in.ascii_double(), 17);
  EXPECT_TRUE(in.ok() && in.at_end());
  ByteReader bad("\x02xy");
  bad.ascii_double();
  EXPECT_EQ(bad.fault(), RdbFault::kCorrupt);
}

TEST(ByteReader, SinceGivesWhatWasRead) {
  ByteReader in(
      "\x01"
      "a\x02"
      "bc");
  in.skip_string();
  size_t const from = in.offset();
  in.skip_string();
  EXPECT_EQ(in.since(from),
            "\x02"
            "bc");
}

RdbStringValue decode(std::string const& bytes, std::string& scratch) {
  ByteReader in(bytes);
  RdbStringValue const value = read_string_value(in, scratch);
  EXPECT_TRUE(in.ok() && in.at_end());
  return value;
}

TEST(StringValue, IntegersInEveryForm) {
  std::string scratch;
  EXPECT_EQ(decode(from_hex("c00c"), scratch).integer, 12);
  EXPECT_EQ(decode(from_hex("c17fff"), scratch).integer, -129);
  auto const text = decode(from_hex("0b3130303030303030303030"), scratch);
  EXPECT_TRUE(text.is_integer);
  EXPECT_EQ(text.integer, 10000000000);
  std::string const padded = from_hex("03303132");
  auto const not_canonical = decode(padded, scratch);
  EXPECT_FALSE(not_canonical.is_integer);
  EXPECT_EQ(not_canonical.text, "012");
  std::string const packed = from_hex(
      "c309406401616"
      "1e0570001"
      "6161");
  EXPECT_EQ(decode(packed, scratch).text, std::string(100, 'a'));
}

}  // namespace
}  // namespace holdfast
