#include "config/command_line.h"

#include <gtest/gtest.h>

namespace holdfast::config {
namespace {

using Arguments = std::vector<std::string>;

Arguments lines_of(Arguments arguments) {
  arguments.insert(arguments.begin(), "holdfast");
  return parse_command_line(arguments).option_lines;
}

TEST(CommandLine, OptionsBecomeLines) {
  EXPECT_EQ(lines_of({"--port", "6380", "--save", "60", "1"}), (Arguments{"port \"6380\"", "save \"60\" \"1\""}));
  EXPECT_EQ(lines_of({"--nosuch", "a\"b", "x\ny\x01", "", "c\\d"}), Arguments{R"(nosuch "a\"b" "x\ny\x01" "" "c\\d")"});
}

TEST(CommandLine, AnOptionNeedsItsFirstValueBeforeTheNextOne) {
  EXPECT_EQ(lines_of({"--timeout", "--port", "1"}), Arguments{"timeout \"--port\" \"1\""});
  EXPECT_EQ(lines_of({"--masterauth", "--foo", "--hz", "5"}), (Arguments{"masterauth \"--foo\"", "hz \"5\""}));
  EXPECT_EQ(lines_of({"--port", "1", "--timeout"}), (Arguments{"port \"1\"", "timeout"}));
  EXPECT_EQ(lines_of({"--port 17305", "--hz", "5"}), (Arguments{"port 17305", "hz \"5\""}));
  EXPECT_EQ(lines_of({"--save ", "--hz", "5"}), Arguments{"save  \"--hz\" \"5\""});
}

TEST(CommandLine, SaveAndSentinelStandAlone) {
  EXPECT_EQ(lines_of({"--save"}), Arguments{"save \"\""});
  EXPECT_EQ(lines_of({"--SAVE", "--hz", "5"}), (Arguments{"SAVE \"\"", "hz \"5\""}));
  EXPECT_EQ(lines_of({"--save", ""}), Arguments{"save \"\""});
  EXPECT_EQ(lines_of({"--sentinel", "--hz", "5"}), (Arguments{"", "hz \"5\""}));
  EXPECT_TRUE(parse_command_line({"holdfast", "a.conf", "--sentinel"}).sentinel_mode);
  EXPECT_TRUE(parse_command_line({"/usr/bin/redis-sentinel", "a.conf"}).sentinel_mode);
  EXPECT_FALSE(parse_command_line({"holdfast", "a.conf"}).sentinel_mode);
}

TEST(CommandLine, TheFirstWordMayBeAFile) {
  auto const with_file = parse_command_line({"holdfast", "a.conf", "--hz", "5"});
  EXPECT_EQ(with_file.config_file, "a.conf");
  EXPECT_EQ(with_file.option_lines, Arguments{"hz \"5\""});
  EXPECT_EQ(parse_command_line({"holdfast", "a.conf", "hz", "5"}).option_lines, Arguments{"\"hz\" \"5\""});
  EXPECT_EQ(parse_command_line({"holdfast", "-x", "5"}).config_file, "");
  EXPECT_EQ(lines_of({"-x", "5"}), Arguments{"\"-x\" \"5\""});
}

TEST(CommandLine, ADashAtEitherEndIsStandardInput) {
  EXPECT_TRUE(parse_command_line({"holdfast", "-", "--hz", "5"}).reads_stdin);
  auto const last = parse_command_line({"holdfast", "a.conf", "--hz", "5", "-"});
  EXPECT_TRUE(last.reads_stdin);
  EXPECT_EQ(last.config_file, "a.conf");
  EXPECT_EQ(last.option_lines, Arguments{"hz \"5\""});
  auto const middle = parse_command_line({"holdfast", "--masterauth", "-", "--hz", "5"});
  EXPECT_FALSE(middle.reads_stdin);
  EXPECT_EQ(middle.option_lines, (Arguments{"masterauth \"-\"", "hz \"5\""}));
}

TEST(CommandLine, NothingIsNothing) {
  EXPECT_TRUE(parse_command_line({}).option_lines.empty());
  EXPECT_TRUE(parse_command_line({"holdfast"}).option_lines.empty());
}

}  // namespace
}  // namespace holdfast::config
