#include "base/crc64.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace holdfast {
namespace {

// The definition, one bit at a time.
uint64_t crc64_by_bits(uint64_t crc, std::string_view bytes) {
  for (char const c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x95AC9329AC4BC9B5 : 0);
  }
  return crc;
}

TEST(Crc64, CheckValue) {
  EXPECT_EQ(crc64(0, "123456789"), 0xE9C6D914C4B8D9CAu);
  EXPECT_EQ(crc64(0, ""), 0u);
}

TEST(Crc64, EveryWayAgreesForEveryLengthAndOffset) {
  Random random(4);
  std::string data(1200, '\0');
  for (char& c : data) c = static_cast<char>(random.next());
  for (size_t length = 0; length <= 700; ++length) {
    std::string_view const bytes = std::string_view(data).substr(length % 17, length);
    uint64_t const start = random.next();
    uint64_t const expected = crc64_by_bits(start, bytes);
    ASSERT_EQ(crc64_by_tables(start, bytes), expected) << length;
    ASSERT_EQ(crc64(start, bytes), expected) << length;
  }
}

TEST(Crc64, IsIncremental) {
  Random random(5);
  std::string data(5000, '\0');
  for (char& c : data) c = static_cast<char>(random.next());
  uint64_t const whole = crc64(0, data);
  for (size_t const cut : {1u, 63u, 128u, 1000u, 4999u}) {
    EXPECT_EQ(crc64(crc64(0, data.substr(0, cut)), data.substr(cut)), whole);
  }
}

}  // namespace
}  // namespace holdfast
