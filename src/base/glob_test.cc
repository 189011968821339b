#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast {
namespace {

using namespace std::literals;

TEST(Glob, StarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", "anything"));
  EXPECT_TRUE(glob_match("h?llo", "hello"));
  EXPECT_FALSE(glob_match("h?llo", "hllo"));
  EXPECT_TRUE(glob_match("h*llo", "heeeello"));
  EXPECT_TRUE(glob_match("h*llo", "hllo"));
  EXPECT_TRUE(glob_match("*a*b*c", "xxaxxbxxbc"));
  EXPECT_FALSE(glob_match("*a*b*c", "xxaxxcxxb"));
  EXPECT_TRUE(glob_match("abc***", "abc"));
  EXPECT_FALSE(glob_match("abc*d", "abc"));
  EXPECT_FALSE(glob_match("abc", "abcd"));
  EXPECT_FALSE(glob_match("abcd", "abc"));
  EXPECT_TRUE(glob_match("*\0*"sv, "a\0b"sv));
}

TEST(Glob, TheEmptyTextMatchesTheEmptyPatternOnly) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("*", ""));
  EXPECT_FALSE(glob_match("**", ""));
  EXPECT_FALSE(glob_match("", "a"));
}

TEST(Glob, Escapes) {
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
  EXPECT_TRUE(glob_match("a\\", "a\\"));
  EXPECT_TRUE(glob_match("\\\\", "\\"));
  EXPECT_TRUE(glob_match("*\\?", "ab?"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(glob_match("h[ae]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[ae]llo", "hillo"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("[!a]", "!")) << "only ^ negates";
  EXPECT_TRUE(glob_match("[a-c]", "b"));
  EXPECT_TRUE(glob_match("[c-a]", "b")) << "swapped bounds";
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_TRUE(glob_match("[\\-a]", "-"));
  EXPECT_FALSE(glob_match("[]abc]", "a")) << "the first ] closes";
  EXPECT_FALSE(glob_match("[]", "]"));
  EXPECT_TRUE(glob_match("[^]", "x"));
  EXPECT_TRUE(glob_match("[abc", "b")) << "closed by the end";
  EXPECT_TRUE(glob_match("[a-", "a"));
  EXPECT_TRUE(glob_match("[a-", "-"));
  EXPECT_FALSE(glob_match("[a-]", "b")) << "the range runs from ] to a";
  EXPECT_FALSE(glob_match("[a-]", "-"));
  EXPECT_TRUE(glob_match("[a-]", "_"));
  EXPECT_TRUE(glob_match("[a-]x]", "x")) << "the set goes on after ]";
  EXPECT_FALSE(glob_match("[", "x"));
}

TEST(Glob, RangesCompareSignedBytes) {
  EXPECT_TRUE(glob_match("[\x80-\x01]", "\xF0"));
  EXPECT_TRUE(glob_match("[\xF0-a]", std::string_view("\0", 1)));
  EXPECT_FALSE(glob_match("[a-\xF0]", "z"));
}

TEST(Glob, CaseCanBeIgnored) {
  EXPECT_FALSE(glob_match("MAX*", "maxmemory"));
  EXPECT_TRUE(glob_match("MAX*", "maxmemory", true));
  EXPECT_TRUE(glob_match("[A-C]x", "bX", true));
  EXPECT_TRUE(glob_match("\\Q", "q", true));
}

TEST(Glob, ManyStarsStayPolynomial) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(glob_match(pattern, std::string(5000, 'a')));
  EXPECT_TRUE(glob_match(pattern, std::string(5000, 'a') + "b"));
}

}  // namespace
}  // namespace holdfast
