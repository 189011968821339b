#include "command/client_line.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "admin/admin_fixture.h"
#include "admin/client_filter.h"
#include "command/memory_usage.h"

namespace holdfast {
namespace {

class ClientLineTest : public AdminTest {
 protected:
  ClientLineTest() {
    card.id = 7;
    card.fd = 9;
    card.address = "1.2.3.4:5";
    card.local_address = "127.0.0.1:6379";
    card.created_ms = 1'000'000;
    card.last_interaction_ms = 1'008'500;
  }
  std::string line() { return client_line(card, commands_, 1'010'400); }
  std::string flags() {
    std::string const text = line();
    size_t const at = text.find(" flags=") + 7;
    return text.substr(at, text.find(' ', at) - at);
  }

  ClientCard card;
};

TEST_F(ClientLineTest, FieldsAndTheirOrder) {
  card.set_name("me");
  card.set_library("lib", "1.0");
  card.db = 3;
  card.protocol = 3;
  card.input_bytes = 26;
  card.input_free_bytes = 100;
  card.argument_bytes = 10;
  card.output_bytes = 5;
  card.output_blocks = 1;
  card.last_command = commands_.find_full_original("client|list")->id;
  EXPECT_EQ(line(),
            "id=7 addr=1.2.3.4:5 laddr=127.0.0.1:6379 fd=9 name=me age=10 idle=1 flags=N db=3 sub=0 psub=0 ssub=0 "
            "multi=-1 qbuf=26 qbuf-free=100 argv-mem=10 multi-mem=0 rbs=0 rbp=0 obl=0 oll=1 omem=5 tot-mem=" +
                to_text_unsigned(client_memory(card)) +
                " events=rw cmd=client|list user=default redir=-1 resp=3 lib-name=lib lib-ver=1.0\n");
}

TEST_F(ClientLineTest, BeforeTheFirstCommand) {
  EXPECT_NE(line().find(" events=r cmd=NULL user="), std::string::npos);
  EXPECT_NE(line().find(" name= age="), std::string::npos);
  EXPECT_TRUE(line().ends_with(" lib-name= lib-ver=\n"));
}

TEST_F(ClientLineTest, FlagsInTheirOrder) {
  EXPECT_EQ(flags(), "N");
  card.queued_commands = 0;
  EXPECT_EQ(flags(), "x");
  card.blocked = true;
  auto const watch = std::make_shared<std::atomic<bool>>(false);
  card.set_watch_flag(watch);
  EXPECT_EQ(flags(), "xb");
  *watch = true;
  card.closing = true;
  card.killed = true;
  card.unix_socket = true;
  card.no_evict = true;
  card.no_touch = true;
  EXPECT_EQ(flags(), "xbdcAUeT");
}

class ClientFilterTest : public AdminTest {
 protected:
  ClientFilterTest() {
    card.id = 7;
    card.address = "1.2.3.4:5";
    card.local_address = "127.0.0.1:6379";
    card.created_ms = 1'000'000;
  }
  Result<ClientFilter> parse(std::vector<std::string_view> const& words) {
    return ClientFilter::parse(Args(words), 0, services().users);
  }
  std::string failure(std::vector<std::string_view> const& words) {
    auto filter = parse(words);
    return filter ? "no failure" : filter.error().message;
  }
  /// Asked by connection `own_id`, 10 seconds after the card's connection was made.
  bool matches(std::vector<std::string_view> const& words, uint64_t own_id = 1) {
    auto filter = parse(words);
    return filter && filter->matches(card, own_id);
  }

  ClientCard card;
};

TEST_F(ClientFilterTest, EachFilter) {
  EXPECT_TRUE(matches({"id", "7"}));
  EXPECT_FALSE(matches({"id", "8"}));
  EXPECT_TRUE(matches({"TYPE", "Normal"}));
  EXPECT_FALSE(matches({"TYPE", "pubsub"}));
  EXPECT_TRUE(matches({"addr", "1.2.3.4:5"}));
  EXPECT_FALSE(matches({"addr", "1.2.3.4:6"}));
  EXPECT_TRUE(matches({"laddr", "127.0.0.1:6379"}));
  EXPECT_FALSE(matches({"laddr", "1.2.3.4:5"}));
  EXPECT_TRUE(matches({"user", "default"}));
  std::vector<std::string_view> const on{"on"};
  ASSERT_TRUE(services().users.change("alice", on));
  EXPECT_FALSE(matches({"user", "alice"}));
  card.set_user("alice");
  EXPECT_TRUE(matches({"user", "alice"}));
}

TEST_F(ClientFilterTest, AllMustFit) {
  EXPECT_TRUE(matches({"id", "7", "addr", "1.2.3.4:5"}));
  EXPECT_FALSE(matches({"id", "7", "addr", "elsewhere"}));
}

TEST_F(ClientFilterTest, TheOneThatAsksIsSparedUnlessToldOtherwise) {
  EXPECT_FALSE(matches({"id", "7"}, 7));
  EXPECT_FALSE(matches({"id", "7", "skipme", "yes"}, 7));
  EXPECT_TRUE(matches({"id", "7", "skipme", "NO"}, 7));
}

TEST_F(ClientFilterTest, Mistakes) {
  EXPECT_EQ(failure({"id", "0"}), "client-id should be greater than 0");
  EXPECT_EQ(failure({"id", "x"}), "client-id should be greater than 0");
  EXPECT_EQ(failure({"type", "x"}), "Unknown client type 'x'");
  EXPECT_EQ(failure({"user", "nobody"}), "No such user 'nobody'");
  EXPECT_EQ(failure({"maxage", "10"}), "syntax error");  // of Redis 7.4
  EXPECT_EQ(failure({"skipme", "maybe"}), "syntax error");
  EXPECT_EQ(failure({"id"}), "syntax error");
  EXPECT_EQ(failure({"colour", "red"}), "syntax error");
}

class ClientTest : public AdminTest {};

TEST_F(ClientTest, NamesAndLibrary) {
  expect_dialogue(R"(
> client id
:1
> client getname
nil
> client setname "a b"
-ERR Client names cannot contain spaces, newlines or special characters.
> client setname me
+OK
> client getname
"me"
> client setname ""
+OK
> client getname
nil
> client setinfo LIB-NAME "a b"
-ERR lib-name cannot contain spaces, newlines or special characters.
> client setinfo colour red
-ERR Unrecognized option 'colour'
> client setinfo lib-name py
+OK
> client setinfo lib-ver 1.2
+OK
)");
  EXPECT_TRUE(text("client info").ends_with(" lib-name=py lib-ver=1.2\n"));
}

TEST_F(ClientTest, List) {
  // Who asks is shown with the arguments of its question.
  EXPECT_NE(text("client list").find(" argv-mem=10 "), std::string::npos);
  EXPECT_NE(text("client info").find(" argv-mem=10 "), std::string::npos);
  auto const without_arguments = [](std::string const& lines) {
    return std::regex_replace(lines, std::regex("(argv|tot)-mem=[0-9]+"), "");
  };
  EXPECT_EQ(without_arguments(text("client list")), without_arguments(text("client list type normal")));
  EXPECT_EQ(without_arguments(text("client list id 1")), without_arguments(text("client list id 99 1")));
  expect_dialogue(R"(
> client list id 99
""
> client list type replica
""
> client list type x
-ERR Unknown client type 'x'
> client list id 1 a
-ERR Invalid client ID
> client list type
-ERR syntax error
> client list colour red
-ERR syntax error
)");
}

TEST_F(ClientTest, KillAsksTheOwnerOfTheConnection) {
  auto other = std::make_shared<ClientCard>();
  other->address = "9.9.9.9:9";
  services().clients.add(other);
  std::vector<uint64_t> closed;
  services().clients.close_connection = [&](ClientCard& card) { closed.push_back(card.id); };
  expect("client kill 9.9.9.9:8", "-ERR No such client");
  expect("client kill 9.9.9.9:9", "+OK");
  EXPECT_TRUE(other->killed);
  EXPECT_EQ(closed, (std::vector<uint64_t>{2}));
  expect("client kill type normal", ":0");
  EXPECT_FALSE(session_->closing());
  expect("client kill id 1 skipme no", ":1");
  EXPECT_TRUE(session_->closing());
}

TEST_F(ClientTest, AKilledConnectionIsNotFoundAgainBeforeItsOwnerHasClosedIt) {
  auto other = std::make_shared<ClientCard>();
  services().clients.add(other);
  services().clients.close_connection = [](ClientCard&) {};
  expect("client kill id 2", ":1");
  expect("client kill id 2", ":0");
  EXPECT_EQ(text("client list id 2"), "");
  EXPECT_EQ(services().clients.list().size(), 1U);
  EXPECT_EQ(services().clients.size(), 2U);
}

TEST_F(ClientTest, Switches) {
  expect("client no-touch on", "+OK");
  EXPECT_FALSE(session_->touch_keys);
  expect("client no-touch off", "+OK");
  EXPECT_TRUE(session_->touch_keys);
  expect("client no-touch maybe", "-ERR syntax error");
  expect("client no-evict on", "+OK");
  EXPECT_TRUE(session_->card().no_evict);
  expect("client no-evict maybe", "-ERR syntax error");
}

TEST_F(ClientTest, PauseHoldsCommandsBack) {
  expect_dialogue(R"(
> client pause x
-ERR timeout is not an integer or out of range
> client pause -1
-ERR timeout is negative
> client pause 1 some
-ERR CLIENT PAUSE mode must be WRITE or ALL
> client pause 1 all x
-ERR unknown subcommand or wrong number of arguments for 'pause'. Try CLIENT HELP.
> client pause 9223372036854775807
-ERR timeout is out of range
> client pause 1000 write
+OK
)");
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kWrite);
  expect("client unpause", "+OK");
  EXPECT_EQ(services().pause.mode(clock_.ms()), Pause::Mode::kNone);
  expect("client pause 100", "+OK");
  EXPECT_EQ(services().pause.mode(clock_.ms() + 99), Pause::Mode::kAll);
  EXPECT_EQ(services().pause.mode(clock_.ms() + 100), Pause::Mode::kNone);
}

TEST_F(ClientTest, ReplySwitches) {
  EXPECT_EQ(send({"client", "reply", "off"}), "");
  EXPECT_EQ(session_->reply_mode, Session::ReplyMode::kOff);
  EXPECT_EQ(send({"client", "reply", "skip"}), "");
  EXPECT_EQ(session_->reply_mode, Session::ReplyMode::kOff);
  expect("client reply on", "+OK");
  EXPECT_EQ(send({"client", "reply", "skip"}), "");
  EXPECT_EQ(session_->reply_mode, Session::ReplyMode::kSkipNext);
  expect("client reply maybe", "-ERR syntax error");
}

TEST_F(ClientTest, TrackingAndUnblock) {
  expect_dialogue(R"(
> client getredir
:-1
> client trackinginfo
["flags" ["off"] "redirect" :-1 "prefixes" []]
> client unblock 9
:0
> client unblock x
-ERR value is not an integer or out of range
> client unblock 9 maybe
-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
> client unblock 9 error x
-ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP.
> client tracking on noloop
+OK
> client trackinginfo
["flags" ["on" "noloop"] "redirect" :0 "prefixes" []]
> client tracking on bcast
-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.
> client tracking off
+OK
> client getredir
:-1
)");
}

}  // namespace
}  // namespace holdfast
