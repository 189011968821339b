#include "acl/users.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acl/test_catalog.h"
#include "acl/users_file.h"
#include "disk/faulty_disk.h"

namespace holdfast::acl {
namespace {

Status change(Users& users, std::string_view name, std::vector<std::string_view> const& rules) {
  return users.change(name, rules);
}

TEST(Users, AChangeIsSeenByItsGenerationAndLeavesTheOldVersionAlone) {
  Users users(test_catalog());
  ASSERT_TRUE(change(users, "u", {"on", "+get"}));
  auto const before = users.find("u");
  uint64_t const generation = users.generation();
  ASSERT_TRUE(change(users, "u", {"+set"}));
  EXPECT_GT(users.generation(), generation);
  EXPECT_FALSE(before->selectors().front().commands().allows(1));
  auto const now = users.present(*before);
  ASSERT_TRUE(now);
  EXPECT_TRUE(now->selectors().front().commands().allows(1));
}

TEST(Users, AChangeIsAllOrNothing) {
  Users users(test_catalog());
  uint64_t const generation = users.generation();
  auto const failed = change(users, "u", {"on", "+get", "foo"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "Error in ACL SETUSER modifier 'foo': Syntax error");
  EXPECT_FALSE(users.find("u"));
  EXPECT_EQ(users.generation(), generation);
  EXPECT_FALSE(change(users, "a b", {}));
}

TEST(Users, WhoIsMadeAgainIsAnother) {
  Users users(test_catalog());
  ASSERT_TRUE(change(users, "u", {"on"}));
  auto const before = users.find("u");
  EXPECT_TRUE(users.remove("u"));
  EXPECT_FALSE(users.remove("u"));
  EXPECT_FALSE(users.present(*before));
  ASSERT_TRUE(change(users, "u", {"on"}));
  EXPECT_FALSE(users.present(*before));
}

TEST(Users, TheDefaultUserDecidesWhetherLoginIsNeeded) {
  Users users(test_catalog());
  EXPECT_FALSE(users.login_needed());
  users.set_default_password("secret");
  EXPECT_TRUE(users.login_needed());
  EXPECT_TRUE(users.default_user()->accepts("secret"));
  users.set_default_password("");
  EXPECT_FALSE(users.login_needed());
  ASSERT_TRUE(change(users, "default", {"off"}));
  EXPECT_TRUE(users.login_needed());
}

TEST(Users, AFileReplacesAllButThoseWhoStayTheSame) {
  Users users(test_catalog());
  ASSERT_TRUE(change(users, "same", {"on", "+get", "~a"}));
  ASSERT_TRUE(change(users, "changed", {"on", "+get"}));
  ASSERT_TRUE(change(users, "gone", {"on"}));
  auto const same = users.find("same");
  auto const changed = users.find("changed");
  auto const first = users.default_user();
  std::string const text = "user same on ~a +get\n\n user changed on +get +set \nuser fresh off\n";
  FaultyDisk disk;
  {
    auto file = disk.create_truncate("/users.acl");
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->append(text));
  }
  ASSERT_TRUE(load_users(disk, "/users.acl", users));
  EXPECT_TRUE(users.present(*same));
  EXPECT_FALSE(users.present(*changed));
  EXPECT_FALSE(users.find("gone"));
  EXPECT_TRUE(users.find("fresh"));
  EXPECT_TRUE(users.present(*first)) << "the connections of default stay";
}

TEST(Users, AFaultyFileChangesNothing) {
  Users users(test_catalog());
  uint64_t const generation = users.generation();
  auto const parsed = parse_users("/x",
                                  "user a on\n# no\nuser b bar bar +nosuch\nuser a off\nuser c (+get\nuser d (+nosuch)\n",
                                  users.context());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message,
            "/x:2 should start with user keyword followed by the username. /x:3: Syntax error. /x:3: Error in applying "
            "operation '+nosuch': Unknown command or category name in ACL. WARNING: Duplicate user 'a' found on line 4. /x:5: "
            "Unmatched parenthesis in selector definition. /x:6: Error in applying operation '(+nosuch)': Unknown command or "
            "category name in ACL. WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  FaultyDisk disk;
  auto const missing = load_users(disk, "/none", users);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "Error loading ACLs, opening file '/none': No such file or directory");
  EXPECT_EQ(users.generation(), generation);
}

TEST(Users, WhatIsSavedIsLoadedAgain) {
  Users users(test_catalog());
  ASSERT_TRUE(change(users, "u", {"on", ">x", "~a", "%R~b", "&c", "+@string", "-get", "(+get ~c)"}));
  ASSERT_TRUE(change(users, "default", {"-set"}));
  std::vector<std::string> const lines = user_lines(users);
  auto const before = users.find("u");
  FaultyDisk disk;
  ASSERT_TRUE(save_users(disk, "/users.acl", users));
  EXPECT_FALSE(disk.exists("/users.acl.tmp").value_or(true));
  disk.crash(1);
  Users others(test_catalog());
  ASSERT_TRUE(load_users(disk, "/users.acl", others));
  EXPECT_EQ(user_lines(others), lines);
  ASSERT_TRUE(load_users(disk, "/users.acl", users));
  EXPECT_TRUE(users.present(*before));
}

TEST(Users, ManyThreadsChangeOneUserAndNoChangeIsLost) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  Users users(test_catalog());
  std::atomic<int> told{0};
  users.on_change = [&] { told++; };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([&users, t] {
      for (int i = 0; i < kRounds; i++) {
        std::string const rule = "~" + std::to_string(t) + "-" + std::to_string(i);
        std::vector<std::string_view> const rules{rule};
        EXPECT_TRUE(users.change("u", rules));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto const user = users.find("u");
  for (int t = 0; t < kThreads; t++) {
    for (int i = 0; i < kRounds; i++) {
      EXPECT_TRUE(user->selectors().front().allows_key(std::to_string(t) + "-" + std::to_string(i), kReadsAndWrites));
    }
  }
  EXPECT_EQ(told.load(), kThreads * kRounds);
}

}  // namespace
}  // namespace holdfast::acl
