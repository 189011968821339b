#include "acl/access_log.h"

#include <gtest/gtest.h>

namespace holdfast::acl {
namespace {

AccessLog::Entry entry(std::string object, std::string user = "u", Context context = Context::kTopLevel) {
  return {.reason = Reason::kKey, .context = context, .object = std::move(object), .username = std::move(user), .client = "id=1"};
}

constexpr size_t kMax = 128;

TEST(AccessLog, TheSameWithinAMinuteIsCountedUpAndBecomesTheNewest) {
  AccessLog log;
  log.add(entry("a"), 1000, kMax);
  log.add(entry("b"), 2000, kMax);
  log.add(entry("a"), 61'000, kMax);
  auto const seen = log.newest(10);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].object, "a");
  EXPECT_EQ(seen[0].count, 2U);
  EXPECT_EQ(seen[0].id, 0U);
  EXPECT_EQ(seen[0].created_ms, 1000);
  EXPECT_EQ(seen[0].updated_ms, 61'000);
  log.add(entry("a"), 121'001, kMax);
  EXPECT_EQ(log.newest(10).size(), 3U);
  EXPECT_EQ(log.count(Reason::kKey), 4U);
}

TEST(AccessLog, OtherUsersAndContextsAreOthers) {
  AccessLog log;
  log.add(entry("a"), 1, kMax);
  log.add(entry("a", "v"), 1, kMax);
  log.add(entry("a", "u", Context::kMulti), 1, kMax);
  EXPECT_EQ(log.newest(10).size(), 3U);
}

TEST(AccessLog, OnlyTheTenNewestAreCompared) {
  AccessLog log;
  for (int i = 0; i < 11; i++) log.add(entry(std::to_string(i)), 1, kMax);
  log.add(entry("1"), 1, kMax);
  EXPECT_EQ(log.newest(100).size(), 11U);
  log.add(entry("0"), 1, kMax);
  EXPECT_EQ(log.newest(100).size(), 12U);
}

TEST(AccessLog, TheOldestAreDropped) {
  AccessLog log;
  for (int i = 0; i < 5; i++) log.add(entry(std::to_string(i)), 1, 3);
  ASSERT_EQ(log.newest(100).size(), 3U);
  EXPECT_EQ(log.newest(1)[0].object, "4");
  EXPECT_EQ(log.newest(100)[2].object, "2");
  log.add(entry("x"), 1, 0);
  EXPECT_TRUE(log.newest(100).empty());
}

TEST(AccessLog, ResetForgetsEntriesAndNotTheCounts) {
  AccessLog log;
  log.add(entry("a"), 1, kMax);
  log.reset();
  EXPECT_TRUE(log.newest(100).empty());
  EXPECT_EQ(log.count(Reason::kKey), 1U);
  log.reset_counts();
  EXPECT_EQ(log.count(Reason::kKey), 0U);
}

}  // namespace
}  // namespace holdfast::acl
