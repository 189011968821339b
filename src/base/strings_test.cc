#include "base/strings.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Strings, CaseIsFoldedForAsciiOnly) {
  EXPECT_TRUE(iequals("MaxMemory", "mAXmEMORY"));
  EXPECT_TRUE(iequals("", ""));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_FALSE(iequals("\xC4", "\xE4"));
  EXPECT_EQ(to_lower("AbZ[@\xC4"), "abz[@\xC4");
  EXPECT_EQ(to_upper("aBz{`"), "ABZ{`");
}

TEST(Strings, TrimTakesBlanksAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim("xxaxx", "x"), "a");
}

TEST(Strings, Hex) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(hex_digit('7'), 7);
  EXPECT_EQ(hex_digit('f'), 15);
  EXPECT_EQ(hex_digit('A'), 10);
  EXPECT_EQ(hex_digit('g'), -1);
  EXPECT_EQ(hex_digit('@'), -1);
}

}  // namespace
}  // namespace holdfast
