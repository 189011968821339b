#include "rdb/writer.h"

#include <gtest/gtest.h>

#include "base/crc64.h"
#include "base/strings.h"
#include "rdb/byte_reader.h"

namespace holdfast {
namespace {

template <class Write>
std::string written(Write write, bool compress = true) {
  std::string out;
  RdbWriter writer(out, compress);
  write(writer);
  return to_hex(out);
}

std::string string_hex(std::string_view text, bool compress = true) {
  return written([&](RdbWriter& w) { w.string(text); }, compress);
}

std::string length_hex(uint64_t value) {
  return written([&](RdbWriter& w) { w.length(value); });
}

TEST(RdbWriter, LengthsAreShortest) {
  EXPECT_EQ(length_hex(0), "00");
  EXPECT_EQ(length_hex(63), "3f");
  EXPECT_EQ(length_hex(64), "4040");
  EXPECT_EQ(length_hex(16383), "7fff");
  EXPECT_EQ(length_hex(16384), "8000004000");
  EXPECT_EQ(length_hex(UINT32_MAX), "80ffffffff");
  EXPECT_EQ(length_hex(uint64_t{UINT32_MAX} + 1), "810000000100000000");
  EXPECT_EQ(length_hex(UINT64_MAX), "81ffffffffffffffff");
}

TEST(RdbWriter, Strings) {
  EXPECT_EQ(string_hex(""), "00");
  EXPECT_EQ(string_hex("hello"), "0568656c6c6f");
  EXPECT_EQ(string_hex("12"), "c00c");
  EXPECT_EQ(string_hex("-128"), "c080");
  EXPECT_EQ(string_hex("-129"), "c17fff");
  EXPECT_EQ(string_hex("100000"), "c2a0860100");
  EXPECT_EQ(string_hex("-2147483648"), "c200000080");
  EXPECT_EQ(string_hex("2147483648"), "0a32313437343833363438");
  EXPECT_EQ(string_hex("10000000000"), "0b3130303030303030303030");
  EXPECT_EQ(string_hex("012"), "03303132");
  EXPECT_EQ(string_hex("-0"), "022d30");
}

TEST(RdbWriter, IntegersBeyond32BitsAreText) {
  EXPECT_EQ(written([](RdbWriter& w) { w.integer(12); }), "c00c");
  EXPECT_EQ(written([](RdbWriter& w) { w.integer(INT64_MIN); }), "14" + to_hex("-9223372036854775808"));
}

TEST(RdbWriter, CompressesWhenItHelps) {
  std::string const a100(100, 'a');
  EXPECT_EQ(string_hex(a100).substr(0, 2), "c3");
  EXPECT_LT(string_hex(a100).size(), 2 * 20u);
  EXPECT_EQ(string_hex(a100, false), "4064" + to_hex(a100));
  EXPECT_EQ(string_hex(std::string(20, 'a')), "14" + to_hex(std::string(20, 'a'))) << "too short to try";
  EXPECT_EQ(string_hex(std::string(21, 'a')).substr(0, 2), "c3");
  std::string const incompressible = "abcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(string_hex(incompressible), "1a" + to_hex(incompressible));
}

TEST(RdbWriter, ReaderGivesStringsBack) {
  for (size_t size : {0u, 1u, 63u, 64u, 300u, 5000u, 20000u, 300000u}) {
    for (bool const compress : {false, true}) {
      std::string text;
      for (size_t i = 0; i < size; ++i) text.push_back(static_cast<char>("abcabd"[i % 6] + (i * i / 97) % 3));
      std::string out;
      RdbWriter(out, compress).string(text);
      if (compress && size > 300) {
        EXPECT_LT(out.size(), size);
      }
      ByteReader in(out);
      std::string scratch;
      EXPECT_EQ(in.string(scratch), text);
      EXPECT_TRUE(in.ok() && in.at_end());
      ByteReader skipper(out);
      skipper.skip_string();
      EXPECT_TRUE(skipper.ok() && skipper.at_end());
    }
  }
}

TEST(RdbWriter, FixedSizes) {
  EXPECT_EQ(written([](RdbWriter& w) { w.binary64(1.5); }), "000000000000f83f");
  EXPECT_EQ(written([](RdbWriter& w) { w.fixed64_signed(-2); }), "feffffffffffffff");
  EXPECT_EQ(written([](RdbWriter& w) { w.stream_id(1000, 1); }), "00000000000003e80000000000000001");
  EXPECT_EQ(written([](RdbWriter& w) { w.stream_node_key(1000, 1); }), "1000000000000003e80000000000000001");
}

TEST(RdbWriter, FileElements) {
  EXPECT_EQ(written([](RdbWriter& w) { w.magic(); }), to_hex("REDIS0010"));
  EXPECT_EQ(written([](RdbWriter& w) { w.magic(kRdbVersionFieldExpiry); }), to_hex("REDIS0012"));
  EXPECT_EQ(written([](RdbWriter& w) { w.aux("redis-bits", 64); }), "fa0a" + to_hex("redis-bits") + "c040");
  EXPECT_EQ(written([](RdbWriter& w) { w.aux("redis-ver", "7.0.15"); }),
            "fa09" + to_hex("redis-ver") + "06" + to_hex("7.0.15"));
  EXPECT_EQ(written([](RdbWriter& w) { w.function("#!lua"); }), "f505" + to_hex("#!lua"));
  EXPECT_EQ(written([](RdbWriter& w) { w.select_db(3); }), "fe03");
  EXPECT_EQ(written([](RdbWriter& w) { w.resize_db(2, 1); }), "fb0201");
  EXPECT_EQ(written([](RdbWriter& w) { w.expire_ms(0x1A201F9D03A); }), "fc3ad0f901a2010000");
  EXPECT_EQ(written([](RdbWriter& w) { w.idle(64); }), "f84040");
  EXPECT_EQ(written([](RdbWriter& w) { w.freq(255); }), "f9ff");
}

TEST(RdbWriter, EofClosesWithTheChecksumOfEverything) {
  std::string out;
  RdbWriter writer(out);
  writer.magic();
  writer.eof(crc64(0, out));
  ByteReader tail(std::string_view(out).substr(10));
  EXPECT_EQ(tail.fixed64(), crc64(0, out.substr(0, 10)));
  EXPECT_EQ(written([](RdbWriter& w) { w.eof(std::nullopt); }), "ff0000000000000000");
}

}  // namespace
}  // namespace holdfast
