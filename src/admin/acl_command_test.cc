#include "admin/acl_command.h"

#include "acl/users.h"
#include "admin/admin_fixture.h"

namespace holdfast {
namespace {

class AclTest : public AdminTest {
 protected:
  /// Goes on as this user, who needs no password and has these rules.
  void become(std::string_view rules) {
    run("auth default x");
    expect("acl setuser u reset on nopass " + std::string(rules), "+OK");
    expect("auth u x", "+OK");
  }
};

constexpr char kNoCommand[] = "-NOPERM this user has no permissions to run the 'get' command";
constexpr char kNoKey[] = "-NOPERM this user has no permissions to access one of the keys used as arguments";
constexpr char kNoChannel[] = "-NOPERM this user has no permissions to access one of the channels used as arguments";

TEST_F(AclTest, ASessionOfAnUnrestrictedUserTakesTheQuickWay) {
  expect("get k", "nil");
  EXPECT_TRUE(session_->unrestricted());
  expect("acl setuser other on", "+OK");
  expect("get k", "nil");
  EXPECT_TRUE(session_->unrestricted());
  become("+@all ~* &*");
  EXPECT_TRUE(session_->unrestricted());
  become("+@all ~k* &*");
  expect("get k", "nil");
  EXPECT_FALSE(session_->unrestricted());
}

TEST_F(AclTest, CommandsKeysAndChannels) {
  become("-@all +set +publish +psubscribe ~k* &c*");
  expect("get k", kNoCommand);
  expect("set x 1", kNoKey);
  expect("set k 1", "+OK");
  expect("publish x m", kNoChannel);
  expect("publish c1 m", ":0");
  expect("psubscribe c1", kNoChannel);
  become("+@all %R~r* %W~w*");
  expect("copy r w", ":0");
  expect("copy w r", kNoKey);
  expect("set w 1", "+OK");
  expect("set w 1 get", kNoKey);
  expect("exists w", ":1");
  expect("bitfield r get u8 0", "[:0]");
  expect("bitfield r get u8 0 incrby u8 0 1", kNoKey);
  expect("bitfield r what", kNoKey);
}

TEST_F(AclTest, OneSelectorMustAllowAllOfIt) {
  become("-@all (+get ~a) (+set ~b)");
  expect("get a", "nil");
  expect("set b 1", "+OK");
  expect("get b", kNoKey);
  expect("set a 1", kNoKey);
  expect("acl whoami", "-NOPERM this user has no permissions to run the 'acl|whoami' command");
}

TEST_F(AclTest, ATransactionIsAskedTwice) {
  become("+@all ~k*");
  expect("multi", "+OK");
  expect("set k 1", "+QUEUED");
  expect("get k", "+QUEUED");
  std::vector<std::string_view> const rules{"-get"};
  ASSERT_TRUE(services().users.change("u", rules));
  expect("exec",
         "[+OK -NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is "
         "no longer allowed for the following reason: no permission to execute the command or subcommand]");
}

TEST_F(AclTest, WhoIsRemovedIsClosedWithoutAReply) {
  become("+@all ~*");
  ASSERT_TRUE(services().users.remove("u"));
  EXPECT_EQ(send({"ping"}), "");
  EXPECT_TRUE(session_->closing());
}

TEST_F(AclTest, ALogOfWhatWasRefused) {
  become("+@all ~k*");
  expect("get x", kNoKey);
  expect("get x", kNoKey);
  auto const entries = services().access_log.newest(10);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].object, "x");
  EXPECT_EQ(entries[0].username, "u");
  EXPECT_EQ(entries[0].count, 2U);
  EXPECT_TRUE(entries[0].client.contains(" cmd=get user=u ")) << entries[0].client;
  EXPECT_EQ(info_field("stats", "acl_access_denied_key"), "2");
  expect("config resetstat", "+OK");
  EXPECT_EQ(info_field("stats", "acl_access_denied_key"), "0");
}

TEST_F(AclTest, WhatIsReplayedIsNotAsked) {
  expect("acl setuser default -@all", "+OK");
  replay("set k 1");
  expect("get k", kNoCommand);
  std::vector<std::string_view> const rules{"+@all"};
  ASSERT_TRUE(services().users.change("default", rules));
  expect("get k", "\"1\"");
}

TEST_F(AclTest, LoginIsNeededAsSoonAsDefaultHasAPassword) {
  services().users.set_default_password("secret");
  expect("get k", "nil");  // it came before
  expect("reset", "+RESET");
  expect("get k", "-NOAUTH Authentication required.");
  expect("auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.");
  expect("auth secret", "+OK");
  expect("get k", "nil");
  EXPECT_EQ(services().access_log.count(acl::Reason::kAuth), 1U);
}

}  // namespace
}  // namespace holdfast
