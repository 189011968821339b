#include "admin/command_syntax.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

std::vector<CommandArgument> parsed(std::string_view text) {
  auto arguments = parse_command_syntax(text);
  EXPECT_TRUE(arguments) << arguments.error().message;
  return arguments ? *arguments : std::vector<CommandArgument>();
}

std::string described(std::string_view text) { return describe_arguments(parsed(text)); }

std::string failure(std::string_view text) {
  auto arguments = parse_command_syntax(text);
  return arguments ? "no failure" : arguments.error().message;
}

TEST(CommandSyntax, NothingIsNoArguments) { EXPECT_TRUE(parsed("").empty()); }

TEST(CommandSyntax, NameAndType) {
  auto arguments = parsed("key:key value:string");
  ASSERT_EQ(arguments.size(), 2u);
  EXPECT_EQ(arguments[0].name, "key");
  EXPECT_EQ(arguments[0].type, "key");
  EXPECT_EQ(arguments[0].key_spec_index, 0);
  EXPECT_EQ(arguments[1].name, "value");
  EXPECT_EQ(arguments[1].type, "string");
  EXPECT_EQ(arguments[1].key_spec_index, -1);
  EXPECT_FALSE(arguments[1].has_token);
}

TEST(CommandSyntax, KeysBelongToTheSpecsInTurn) {
  auto arguments = parsed("destination:key source:key...");
  EXPECT_EQ(arguments[0].key_spec_index, 0);
  EXPECT_EQ(arguments[1].key_spec_index, 1);
  EXPECT_TRUE(arguments[1].multiple);
}

TEST(CommandSyntax, AKeyMayNameItsSpec) {
  auto arguments = parsed("[STORE destination:key#2] source:key#0");
  EXPECT_EQ(arguments[0].key_spec_index, 2);
  EXPECT_EQ(arguments[1].key_spec_index, 0);
}

TEST(CommandSyntax, TheEmptyWordIsAToken) {
  auto arguments = parsed("id:oneof(\"\" | name:string)");
  ASSERT_EQ(arguments[0].arguments.size(), 2u);
  EXPECT_TRUE(arguments[0].arguments[0].has_token);
  EXPECT_EQ(arguments[0].arguments[0].token, "");
  EXPECT_EQ(arguments[0].arguments[0].type, "pure-token");
}

TEST(CommandSyntax, TokenAloneAndTokenWithValue) {
  auto arguments = parsed("[GET@6.2.0] [LIMIT limit:block(offset:integer count:integer)] NX");
  ASSERT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments[0].name, "get");
  EXPECT_EQ(arguments[0].type, "pure-token");
  EXPECT_EQ(arguments[0].token, "GET");
  EXPECT_EQ(arguments[0].since, "6.2.0");
  EXPECT_TRUE(arguments[0].optional);
  EXPECT_EQ(arguments[1].token, "LIMIT");
  EXPECT_EQ(arguments[1].type, "block");
  ASSERT_EQ(arguments[1].arguments.size(), 2u);
  EXPECT_EQ(arguments[1].arguments[1].name, "count");
  EXPECT_FALSE(arguments[2].optional);
}

TEST(CommandSyntax, ChoiceOfTokensAndValues) {
  auto arguments = parsed("[expiration:oneof(EX seconds:integer@2.6.12|PX milliseconds:integer | KEEPTTL@6.0.0)]");
  ASSERT_EQ(arguments.size(), 1u);
  ASSERT_EQ(arguments[0].arguments.size(), 3u);
  EXPECT_EQ(arguments[0].arguments[0].token, "EX");
  EXPECT_EQ(arguments[0].arguments[0].name, "seconds");
  EXPECT_EQ(arguments[0].arguments[0].since, "2.6.12");
  EXPECT_EQ(arguments[0].arguments[1].since, "");
  EXPECT_EQ(arguments[0].arguments[2].type, "pure-token");
}

TEST(CommandSyntax, DescribedForPeople) {
  EXPECT_EQ(described("key:key value:string [NX]"), "<key> <value> [NX]");
  EXPECT_EQ(described("parameter:string..."), "<parameter> [<parameter> ...]");
  EXPECT_EQ(described("data:block(parameter:string value:string)..."),
            "<parameter> <value> [<parameter> <value> ...]");
  EXPECT_EQ(described("mode:oneof(ON | OFF) [TYPE kind:oneof(A|B)] [way:oneof(UP|DOWN n:integer)]"),
            "(ON | OFF) [TYPE (A | B)] [UP | DOWN <n>]");
}

TEST(CommandSyntax, MistakesAreNamed) {
  EXPECT_EQ(failure("a:thing"), "unknown type thing at 7 of 'a:thing'");
  EXPECT_EQ(failure("a:key#x"), "the number of a key specification is missing at 7 of 'a:key#x'");
  EXPECT_EQ(failure("a:oneof"), "'(' is missing at 7 of 'a:oneof'");
  EXPECT_EQ(failure("a:oneof(X"), "')' is missing at 9 of 'a:oneof(X'");
  EXPECT_EQ(failure("[a:string"), "']' is missing at 9 of '[a:string'");
  EXPECT_EQ(failure("a:string)"), "unexpected ')' at 8 of 'a:string)'");
  EXPECT_EQ(failure("a:oneof(X|)"), "a name or a token is missing at 10 of 'a:oneof(X|)'");
}

}  // namespace
}  // namespace holdfast
