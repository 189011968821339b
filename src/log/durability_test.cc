#include "log/durability.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace holdfast::log {
namespace {

TEST(Durability, FollowsTheFsyncsAndTells) {
  Durability durability(10);
  std::vector<uint64_t> told;
  durability.add_listener([&](uint64_t offset) { told.push_back(offset); });
  EXPECT_EQ(durability.durable_offset(), 10u);
  durability.synced(1, 20);
  durability.synced(1, 20);
  durability.synced(2, 15);  // late news
  durability.synced(2, 30);
  EXPECT_EQ(durability.durable_offset(), 30u);
  EXPECT_EQ(told, (std::vector<uint64_t>{20, 30}));
}

TEST(Durability, FailedFsyncHoldsUntilABaseBehindIt) {
  Durability durability(0);
  durability.synced(1, 10);
  durability.sync_failed(1, EIO);
  EXPECT_EQ(durability.broken_errnum(), EIO);
  EXPECT_TRUE(durability.is_broken(1));
  EXPECT_FALSE(durability.is_broken(2));
  durability.synced(1, 20);  // says nothing about the pages that were lost
  durability.synced(2, 30);  // sound, but behind a gap
  EXPECT_EQ(durability.durable_offset(), 10u);
  durability.base_committed(2, 25);
  EXPECT_EQ(durability.broken_errnum(), 0);
  EXPECT_EQ(durability.durable_offset(), 30u);
}

TEST(Durability, BaseBeforeTheBrokenFileDoesNotHeal) {
  Durability durability(0);
  durability.sync_failed(2, EIO);
  durability.base_committed(2, 25);  // the increment after the cut is the broken one
  EXPECT_EQ(durability.broken_errnum(), EIO);
  EXPECT_EQ(durability.durable_offset(), 25u);  // but the base is safe
  durability.synced(2, 40);
  EXPECT_EQ(durability.durable_offset(), 25u);
}

TEST(Durability, SecondFailureForgetsWhatWasSyncedBehindTheFirst) {
  Durability durability(0);
  durability.sync_failed(1, EIO);
  durability.synced(2, 30);
  durability.sync_failed(2, EIO);
  durability.synced(3, 50);
  durability.base_committed(2, 20);
  EXPECT_EQ(durability.durable_offset(), 20u);
  durability.base_committed(3, 40);
  EXPECT_EQ(durability.durable_offset(), 50u);
}

TEST(Durability, SwitchedOffNobodyWaits) {
  Durability durability(0);
  uint64_t told = 0;
  durability.add_listener([&](uint64_t offset) { told = offset; });
  durability.sync_failed(1, EIO);
  durability.switched_off(70);
  EXPECT_EQ(told, 70u);
  EXPECT_EQ(durability.broken_errnum(), 0);
  durability.restart(5);
  EXPECT_EQ(durability.durable_offset(), 5u);
  EXPECT_EQ(told, 70u);
}

}  // namespace
}  // namespace holdfast::log
