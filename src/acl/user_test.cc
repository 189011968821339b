#include "acl/user.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "acl/test_catalog.h"

namespace holdfast::acl {
namespace {

class UserTest : public testing::Test {
 protected:
  /// The text of a user to which the rules, separated by blanks, are applied; or the first error.
  std::string after(std::string_view rules) {
    User user("u", context());
    for (std::string const& rule : words(rules)) {
      RuleError const error = user.apply(rule, context());
      if (error != RuleError::kNone) return std::string(text_of(error));
    }
    return user.text(catalog_);
  }
  User made(std::string_view rules) {
    User user("u", context());
    for (std::string const& rule : words(rules)) EXPECT_EQ(user.apply(rule, context()), RuleError::kNone) << rule;
    return user;
  }
  RuleContext context() const { return {catalog_, all_channels_}; }

  static std::vector<std::string> words(std::string_view text) {
    std::vector<std::string_view> pieces;
    while (!text.empty()) {
      size_t const end = std::min(text.find(' '), text.size());
      pieces.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    auto joined = join_selectors(pieces);
    EXPECT_TRUE(joined);
    return joined.value_or(std::vector<std::string>());
  }

  Catalog catalog_ = test_catalog();
  bool all_channels_ = false;
};

TEST_F(UserTest, ANewUserMayDoNothing) {
  EXPECT_EQ(after(""), "off resetchannels -@all");
  all_channels_ = true;
  EXPECT_EQ(after(""), "off &* -@all");
  EXPECT_EQ(after("resetchannels (+get)"), "off resetchannels -@all (&* -@all +get)");
}

TEST_F(UserTest, RulesLeadToTheTextThatLeadsToTheSameRules) {
  struct {
    char const* rules;
    char const* text;
  } const cases[] = {
      {"on nopass allkeys allchannels allcommands", "on nopass ~* &* +@all"},
      {"~a* %R~b %w~c %RW~d %R~e %W~e", "off ~a* %R~b %W~c ~d ~e resetchannels -@all"},
      {"&x &y* &x", "off resetchannels &x &y* -@all"},
      {"~* resetkeys ~a", "off ~a resetchannels -@all"},
      {"+get +set", "off resetchannels -@all +@string -strlen"},
      {"+get +set +strlen", "off resetchannels -@all +@string"},
      {"+@all -get", "off resetchannels +@all -get"},
      {"+@all -@admin", "off resetchannels +@all -@admin"},
      {"+@all -@admin +config|get", "off resetchannels +@all -config|set"},
      {"+@read +lpush -strlen", "off resetchannels -@all +@read +lpush -strlen"},
      {"+config", "off resetchannels -@all +@admin +config"},
      {"+config -config|set", "off resetchannels -@all +config -config|set"},
      {"+CONFIG|GET", "off resetchannels -@all +config|get"},
      {"+get|a +get|B +get|A", "off resetchannels -@all +get|a +get|B"},
      {"+get|a +get", "off resetchannels -@all +get"},
      {"+get|a +get -get", "off resetchannels -@all"},
      {"+@all -@all", "off resetchannels -@all"},
      {"(~a +get) (&c +@string)", "off resetchannels -@all (~a resetchannels -@all +get) (resetchannels &c -@all +@string)"},
      {"(~a +get) clearselectors", "off resetchannels -@all"},
      {"on ~a +get skip-sanitize-payload (+set) reset", "off sanitize-payload resetchannels -@all"},
  };
  for (auto const& [rules, text] : cases) {
    EXPECT_EQ(after(rules), text) << rules;
    if (std::string_view(text) == after(text)) continue;
    EXPECT_EQ(made(text).text(catalog_), text);
  }
}

TEST_F(UserTest, WhatIsWrongChangesNothing) {
  struct {
    char const* rule;
    RuleError error;
  } const cases[] = {
      {"foo", RuleError::kSyntax},           {"%~x", RuleError::kSyntax},
      {"%RR~x", RuleError::kSyntax},         {"%Rx", RuleError::kSyntax},
      {"~a b", RuleError::kSyntax},          {"&a\nb", RuleError::kSyntax},
      {"+config|", RuleError::kSyntax},      {"(on)", RuleError::kSyntax},
      {"(\"a)", RuleError::kSyntax},         {"+nosuch", RuleError::kUnknownName},
      {"-nosuch", RuleError::kUnknownName},  {"+@nosuch", RuleError::kUnknownName},
      {"+", RuleError::kUnknownName},        {"+config|nosuch", RuleError::kUnknownName},
      {"-get|x", RuleError::kUnknownName},   {"+config|get|x", RuleError::kArgumentOfSubcommand},
      {"(&* &x)", RuleError::kChannelsAfterAll},
      {"<x", RuleError::kNoSuchPassword},    {"#12", RuleError::kBadHash},
      {"!12", RuleError::kBadHash},          {"(~* ~x)", RuleError::kKeysAfterAll},
  };
  User user = made("on ~k &c +get");
  std::string const before = user.text(catalog_);
  for (auto const& [rule, error] : cases) {
    EXPECT_EQ(user.apply(rule, context()), error) << rule;
    EXPECT_EQ(user.text(catalog_), before) << rule;
  }
}

TEST_F(UserTest, PasswordsAreKeptAsHashes) {
  std::string const hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";  // of "secret"
  User user = made("on >secret >secret >other");
  ASSERT_EQ(user.passwords().size(), 2U);
  EXPECT_EQ(user.passwords()[0], hash);
  EXPECT_TRUE(user.accepts("secret"));
  EXPECT_TRUE(user.accepts("other"));
  EXPECT_FALSE(user.accepts(hash));
  EXPECT_FALSE(user.accepts(""));
  ASSERT_EQ(user.apply("!" + hash, context()), RuleError::kNone);
  EXPECT_FALSE(user.accepts("secret"));
  ASSERT_EQ(user.apply("off", context()), RuleError::kNone);
  EXPECT_FALSE(user.accepts("other"));
  ASSERT_EQ(user.apply("nopass", context()), RuleError::kNone);
  EXPECT_FALSE(user.accepts("other"));
  ASSERT_EQ(user.apply("on", context()), RuleError::kNone);
  EXPECT_TRUE(user.accepts("whatever"));
  ASSERT_EQ(user.apply("#" + hash, context()), RuleError::kNone);
  EXPECT_TRUE(user.accepts("secret"));
  EXPECT_FALSE(user.accepts("whatever"));
}

TEST_F(UserTest, KeysAreMatchedWithTheUseThatIsMadeOfThem) {
  Selector const selector = made("%R~r* %W~w* ~b[0-9] %R~both %W~both").selectors().front();
  EXPECT_TRUE(selector.allows_key("r1", kReads));
  EXPECT_FALSE(selector.allows_key("r1", kWrites));
  EXPECT_FALSE(selector.allows_key("r1", kReadsAndWrites));
  EXPECT_TRUE(selector.allows_key("r1", kUsesNothing));
  EXPECT_TRUE(selector.allows_key("w1", kWrites));
  EXPECT_FALSE(selector.allows_key("w1", kReads));
  EXPECT_TRUE(selector.allows_key("b7", kReadsAndWrites));
  EXPECT_FALSE(selector.allows_key("bx", kUsesNothing));
  EXPECT_TRUE(selector.allows_key("both", kReadsAndWrites));
  EXPECT_FALSE(selector.allows_all_keys(kReads));
  EXPECT_TRUE(made("%R~*").selectors().front().allows_all_keys(kReads));
  EXPECT_FALSE(made("%R~*").selectors().front().allows_all_keys(kReadsAndWrites));
  EXPECT_TRUE(made("~*").selectors().front().allows_all_keys(kReadsAndWrites));
}

TEST_F(UserTest, PatternsOfChannelsAreComparedLiterally) {
  User const user = made("&a* (&b[12])");
  EXPECT_TRUE(user.may_listen("abc", false));
  EXPECT_FALSE(user.may_listen("abc", true));
  EXPECT_TRUE(user.may_listen("a*", true));
  EXPECT_TRUE(user.may_listen("b1", false));
  EXPECT_TRUE(user.may_listen("b[12]", true));
  EXPECT_FALSE(user.may_listen("b3", false));
  EXPECT_TRUE(made("&*").may_listen("anything*", true));
}

TEST_F(UserTest, FirstArgumentsAreComparedWithoutCase) {
  CommandRules const rules = made("+get|Yes").selectors().front().commands();
  EXPECT_FALSE(rules.allows(0));
  EXPECT_TRUE(rules.allows_argument(0, "yES"));
  EXPECT_FALSE(rules.allows_argument(0, "no"));
  EXPECT_FALSE(rules.allows_argument(1, "yes"));
}

TEST_F(UserTest, OnlyOneSelectorWithEverythingMakesUnrestricted) {
  EXPECT_TRUE(User::make_default(context()).unrestricted());
  EXPECT_TRUE(made("(~* &* +@all)").unrestricted());
  EXPECT_FALSE(made("~* &* (+@all)").unrestricted());
  EXPECT_FALSE(made("~* &* +@all -get").unrestricted());
  EXPECT_FALSE(made("~* &* +@all -get +get").unrestricted());
  EXPECT_FALSE(made("%R~* &* +@all").unrestricted());
}

TEST_F(UserTest, SelectorsMayBeSpreadOverWords) {
  std::vector<std::string_view> const spread{"on", "(~a", "+get", "&c)", "+set", "()"};
  EXPECT_EQ(join_selectors(spread).value(), (std::vector<std::string>{"on", "(~a +get &c)", "+set", "()"}));
  std::vector<std::string_view> const open{"(+get)", "(~a", "+get"};
  auto const failed = join_selectors(open);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "(~a");
}

}  // namespace
}  // namespace holdfast::acl
