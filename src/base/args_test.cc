#include "base/args.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using namespace std::literals;
using Words = std::vector<std::string>;

Words split(std::string_view line) {
  auto result = split_args(line);
  return result ? *result : Words{"<unbalanced>"};
}

TEST(SplitArgs, Words) {
  EXPECT_EQ(split("SET  k\tv\r\n"), (Words{"SET", "k", "v"}));
  EXPECT_EQ(split(""), Words{});
  EXPECT_EQ(split(" \t "), Words{});
  EXPECT_EQ(split("\va"), Words{"a"});
  EXPECT_EQ(split("a\vb"), Words{"a\vb"}) << "a vertical tab separates only between words";
  EXPECT_EQ(split("a b\0 c"sv), (Words{"a", "b"}));
}

TEST(SplitArgs, DoubleQuotes) {
  EXPECT_EQ(split(R"("a b" "")"), (Words{"a b", ""}));
  EXPECT_EQ(split(R"("\n\r\t\b\a\x41\q\"\\")"), Words{"\n\r\t\b\aAq\"\\"});
  EXPECT_EQ(split(R"("a\xzzb")"), Words{"axzzb"});
  EXPECT_EQ(split(R"(a"b c")"), Words{"ab c"});
  EXPECT_EQ(split(R"("\x00")"), Words{"\0"s});
}

TEST(SplitArgs, SingleQuotes) {
  EXPECT_EQ(split(R"('a\nb\'c')"), Words{R"(a\nb'c)"});
  EXPECT_EQ(split(R"('"' "'")"), (Words{"\"", "'"}));
}

TEST(SplitArgs, UnbalancedQuotes) {
  for (std::string_view const bad :
       {"\"a", "'a", "\"a\"b", "'a'b", "\"a\\", "\"a\\\"", "\"a\\x4", "ab\"cd\"ef", "'a\\'"}) {
    EXPECT_FALSE(split_args(bad).has_value()) << bad;
  }
}

TEST(Quote, EscapesWhatIsNotPrintable) {
  EXPECT_EQ(quote("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quote("\n\r\t\a\b\v\0\xff"sv), R"("\n\r\t\a\b\x0b\x00\xff")");
  EXPECT_EQ(quote(""), R"("")");
}

TEST(Quote, SplitGivesItBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(split(quote(all)), Words{all});
}

}  // namespace
}  // namespace holdfast
