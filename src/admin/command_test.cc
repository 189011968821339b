#include "admin/command.h"

#include "admin/admin_fixture.h"
#include "admin/command_syntax.h"

namespace holdfast {
namespace {

class CommandCommandTest : public AdminTest {};

void check_keys(Command const& command, std::vector<CommandArgument> const& arguments) {
  for (CommandArgument const& argument : arguments) {
    EXPECT_LT(argument.key_spec_index, static_cast<int>(command.key_specs.size())) << command.full_name;
    check_keys(command, argument.arguments);
  }
}

TEST_F(CommandCommandTest, EveryRowHasDocs) {
  for (uint16_t id = 0; id < commands_.size(); id++) {
    Command const& command = commands_.by_id(id);
    EXPECT_FALSE(command.row->summary.empty()) << command.full_name;
    EXPECT_FALSE(command.row->since.empty()) << command.full_name;
    EXPECT_FALSE(command.row->group.empty()) << command.full_name;
    auto const arguments = parse_command_syntax(command.row->syntax);
    ASSERT_TRUE(arguments) << command.full_name << ": " << arguments.error().message;
    check_keys(command, *arguments);
    if (command.full_name.find('|') == std::string::npos && command.arity == 1) {
      EXPECT_TRUE(arguments->empty()) << command.full_name;
    }
  }
}

TEST_F(CommandCommandTest, InfoElement) {
  EXPECT_EQ(send({"command", "info", "get"}),
            "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+"
            "@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n"
            "$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n"
            "$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n");
  session_->set_protocol(3);
  EXPECT_EQ(send({"command", "info", "config|set"}),
            "*1\r\n*10\r\n$10\r\nconfig|set\r\n:-4\r\n~4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n"
            "~3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n~2\r\n$24\r\nrequest_policy:all_nodes\r\n$29\r\n"
            "response_policy:all_succeeded\r\n~0\r\n~0\r\n");
}

TEST_F(CommandCommandTest, InfoOfAll) {
  std::string const count = to_text_unsigned(commands_.top_level().size());
  EXPECT_TRUE(send({"command"}).starts_with("*" + count + "\r\n*10\r\n"));
  EXPECT_EQ(send({"command"}), send({"command", "info"}));
  expect("command count", ":" + count);
  expect("command info nope", "[nil]");
}

TEST_F(CommandCommandTest, DocsOfACommand) {
  EXPECT_EQ(run("command docs lolwut nope"),
            "[\"lolwut\" [\"summary\" \"Draws a picture and tells the version.\" \"since\" \"5.0.0\" \"group\" \"server\" "
            "\"complexity\" \"O(1)\" \"arguments\" [[\"name\" \"version\" \"type\" \"integer\" \"token\" \"VERSION\" "
            "\"flags\" [+optional]]]]]");
  EXPECT_EQ(run("command docs config|set"),
            "[\"config|set\" [\"summary\" \"Changes directives, all of them or none.\" \"since\" \"2.0.0\" \"group\" "
            "\"server\" \"complexity\" \"O(N) where N is the number of directives given\" \"history\" [[\"7.0.0\" "
            "\"Takes several directives.\"]] \"arguments\" [[\"name\" \"data\" \"type\" \"block\" \"flags\" [+multiple] "
            "\"arguments\" [[\"name\" \"parameter\" \"type\" \"string\"] [\"name\" \"value\" \"type\" \"string\"]]]]]]");
}

TEST_F(CommandCommandTest, DocsTellOfDeprecationAndSubcommands) {
  std::string const quit = run("command docs quit");
  EXPECT_NE(quit.find("\"doc_flags\" [+deprecated] \"deprecated_since\" \"7.2.0\" \"replaced_by\" \"just closing the "
                      "connection\""),
            std::string::npos);
  EXPECT_NE(run("command docs debug").find("\"doc_flags\" [+syscmd]"), std::string::npos);
  std::string const slowlog = run("command docs slowlog");
  EXPECT_NE(slowlog.find("\"subcommands\" [\"slowlog|get\" [\"summary\""), std::string::npos);
}

TEST_F(CommandCommandTest, DocsAsMaps) {
  session_->set_protocol(3);
  EXPECT_TRUE(send({"command", "docs", "getdel"}).starts_with("%1\r\n$6\r\ngetdel\r\n%5\r\n$7\r\nsummary\r\n"));
  std::string const all = send({"command", "docs"});
  EXPECT_TRUE(all.starts_with("%" + to_text_unsigned(commands_.top_level().size()) + "\r\n"));
}

TEST_F(CommandCommandTest, List) {
  expect_dialogue(R"(
> command list filterby pattern CONFIG|S*
["config|set"]
> command list filterby module x
[]
> command list filterby aclcat nope
[]
> command list filterby aclcat @read
[]
> command list filterby colour red
-ERR syntax error
> command list foo
-ERR syntax error
)");
  std::string const transaction = run("command list filterby aclcat TRANSACTION");
  EXPECT_EQ(transaction, R"(["discard" "exec" "multi" "unwatch" "watch"])");
  EXPECT_NE(run("command list").find("\"config\" \"config|get\""), std::string::npos);
}

TEST_F(CommandCommandTest, GetKeys) {
  expect_dialogue(R"(
> command getkeys mset a b c d
["a" "c"]
> command getkeys foo bar
-ERR Invalid command specified
> command getkeys config foo x
-ERR Invalid command specified
> command getkeys config|get x y
-ERR Invalid command specified
> command getkeys ping x
-ERR The command has no key arguments
> command getkeys config get x
-ERR The command has no key arguments
> command getkeys get a b
-ERR Invalid number of arguments specified for command
> command getkeys memory usage k
["k"]
> command getkeysandflags set a b
[["a" [+OW +update]]]
> command getkeysandflags set a b get
[["a" [+RW +access +update]]]
> command getkeysandflags set get b
[["get" [+OW +update]]]
> command getkeysandflags get a
[["a" [+RO +access]]]
)");
}

TEST_F(CommandCommandTest, HelpIsMadeOfTheRows) {
  EXPECT_EQ(run("slowlog help"),
            "[+SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are: +GET [<count>] +    Tells the latest slow "
            "commands. +LEN +    Tells how many slow commands are kept. +RESET +    Forgets the slow commands. +WAITS "
            "[<count>] +    Tells how long the latest slow commands have waited before they were executed. +HELP +    "
            "Prints this help.]");
  for (char const* container : {"client", "command", "config", "memory", "debug"}) {
    std::string const help = run(std::string(container) + " help");
    EXPECT_TRUE(help.ends_with("+HELP +    Prints this help.]")) << container;
  }
}

}  // namespace
}  // namespace holdfast
