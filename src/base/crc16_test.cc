#include "base/crc16.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Crc16, CheckValue) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(crc16(std::string_view("\0\xFF", 2)), 0x1EF0);
}

}  // namespace
}  // namespace holdfast
