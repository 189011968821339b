#include "rdb/dump_payload.h"

#include <gtest/gtest.h>

#include "rdb/byte_reader.h"
#include "rdb/string_value.h"
#include "rdb/test_vectors.h"
#include "rdb/writer.h"

namespace holdfast {
namespace {

constexpr char kRefusal[] = "DUMP payload version or checksum are wrong";

std::string dump_string(std::string_view text) {
  std::string payload;
  RdbWriter writer(payload);
  writer.type(RdbType::kString);
  writer.string(text);
  append_dump_footer(payload);
  return payload;
}

TEST(DumpPayload, MakesWhatTheReferenceServerMakes) {
  EXPECT_EQ(dump_string("hello"), from_hex("000568656C6C6F0A006372DF766534200A"));
  EXPECT_EQ(dump_string(""), from_hex("00000A005D9B5C400F7FA2DA"));
  EXPECT_EQ(dump_string("12"), from_hex("00C00C0A003C2AF8515C04BCD5"));
  EXPECT_EQ(dump_string("-129"), from_hex("00C17FFF0A001760822854808480"));
  EXPECT_EQ(dump_string("100000"), from_hex("00C2A08601000A00F12403506F2FA674"));
  EXPECT_EQ(dump_string("10000000000"), from_hex("000B31303030303030303030300A0095C10E7B88A056C0"));
}

TEST(DumpPayload, VerifiesEveryKnownPayload) {
  for (DumpVector const& vector : kDumpVectors) {
    std::string const payload = from_hex(vector.hex);
    auto const body = verify_dump_payload(payload);
    ASSERT_TRUE(body.has_value()) << vector.what;
    EXPECT_EQ(body->size(), payload.size() - kDumpFooterBytes);
  }
  std::string const set = from_hex(
      "020201620161"
      "0A0075D99D835EF85F65");
  EXPECT_TRUE(verify_dump_payload(set).has_value());
}

TEST(DumpPayload, StringVectorsDecode) {
  std::string const expected[] = {
      "12", "-129", "100000", "10000000000", "", "abc", "abc", std::string(100, 'a'), std::string(21, 'a')};
  size_t next = 0;
  for (DumpVector const& vector : kDumpVectors) {
    if (!vector.what.starts_with("type 0 ")) continue;
    std::string const payload = from_hex(vector.hex);
    auto const body = verify_dump_payload(payload);
    ASSERT_TRUE(body.has_value());
    ByteReader in(body->substr(1));
    std::string scratch;
    auto const value = read_string_value(in, scratch);
    EXPECT_EQ(value.is_integer ? std::to_string(value.integer) : std::string(value.text), expected[next++]);
    EXPECT_TRUE(in.ok() && in.at_end());
  }
  EXPECT_EQ(next, std::size(expected));
}

TEST(DumpPayload, Refusals) {
  std::string const good = dump_string("hello");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(verify_dump_payload(bad).has_value()) << "byte " << i;
  }
  EXPECT_EQ(verify_dump_payload("").error().message, kRefusal);
  EXPECT_FALSE(verify_dump_payload(good.substr(0, 9)).has_value());
  std::string const zero_crc = good.substr(0, good.size() - 8) + std::string(8, '\0');
  EXPECT_FALSE(verify_dump_payload(zero_crc).has_value());
  EXPECT_TRUE(verify_dump_payload(zero_crc, false).has_value());
}

TEST(DumpPayload, VersionsHaveABound) {
  std::string const version_11 = from_hex("0001610B00D62152E872A9943D");
  EXPECT_FALSE(verify_dump_payload(version_11, true, 10).has_value());
  EXPECT_TRUE(verify_dump_payload(version_11).has_value());
  std::string newer = "\x01";
  append_dump_footer(newer, kRdbVersionReadableMax + 1);
  EXPECT_FALSE(verify_dump_payload(newer).has_value());
  EXPECT_FALSE(verify_dump_payload(newer, false).has_value()) << "the version is checked in any case";
}

}  // namespace
}  // namespace holdfast
