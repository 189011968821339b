#include "log/effect_buffer.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace holdfast::log {
namespace {

TEST(EffectBuffer, CommandsAreArraysOfBulkStrings) {
  std::string out = "before|";
  append_command(out, {"set", std::string_view("k\0\r\n", 4), ""});
  EXPECT_EQ(out, std::string("before|*3\r\n$3\r\nset\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n", 36));

  std::vector<std::string_view> const many(12, "ab");
  out.clear();
  append_command(out, many);
  std::string expected = "*12\r\n";
  for (int i = 0; i < 12; ++i) expected += "$2\r\nab\r\n";
  EXPECT_EQ(out, expected);
}

TEST(EffectBuffer, IntegersAreTheirDecimalText) {
  std::string out;
  append_bulk(out, int64_t{0});
  append_bulk(out, int64_t{-7});
  append_bulk(out, std::numeric_limits<int64_t>::min());
  append_bulk(out, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(out, "$1\r\n0\r\n$2\r\n-7\r\n$20\r\n-9223372036854775808\r\n$19\r\n9223372036854775807\r\n");
}

TEST(EffectBuffer, SelectNamesTheDatabase) {
  std::string out;
  append_select(out, 15);
  EXPECT_EQ(out, "*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n");
}

}  // namespace
}  // namespace holdfast::log
