#include "keyspace/wait_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"
#include "memory/lazy_free.h"

namespace holdfast {
namespace {

class FakeWaiter final : public KeyWaiter {
 public:
  bool waiting() const override { return waiting_; }
  bool claim() override { return waiting_.exchange(false); }
  bool ready(std::string_view, Record const*) const override { return true; }
  void serve(Txn&, std::string_view) override {}
  void deliver(uint64_t) override {}

 private:
  std::atomic<bool> waiting_{true};
};

std::shared_ptr<FakeWaiter> waiter() { return std::make_shared<FakeWaiter>(); }

TEST(WaitTableTest, ServesWhoCameFirstAndPassesOverTheDead) {
  WaitTable table;
  auto first = waiter(), second = waiter(), third = waiter();
  for (auto const& each : {first, second, third}) table.add(0, "k", ValueType::kList, each);
  WaitLine* line = table.find(0, "k");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->first(ValueType::kList), first);
  first->claim();
  second.reset();
  EXPECT_EQ(line->first(ValueType::kList), third);
  line->drop_first(ValueType::kList);
  EXPECT_EQ(line->first(ValueType::kList), nullptr);
  EXPECT_TRUE(table.contains(0, "k"));
  table.drop_if_empty(0, "k");
  EXPECT_TRUE(table.empty());
}

TEST(WaitTableTest, KeysOfOtherDatabasesAndTypesAreOthers) {
  WaitTable table;
  auto list = waiter(), zset = waiter();
  table.add(0, "k", ValueType::kList, list);
  table.add(12, "k", ValueType::kList, list);
  table.add(0, "k", ValueType::kZset, zset);
  EXPECT_FALSE(table.contains(1, "k"));
  EXPECT_FALSE(table.contains(0, "K"));
  EXPECT_EQ(table.keys_of(1), std::vector<std::string>{});
  EXPECT_EQ(table.keys_of(12), std::vector<std::string>{"k"});
  EXPECT_EQ(table.find(0, "k")->first(ValueType::kZset), zset);
  EXPECT_EQ(table.find(0, "k")->first(ValueType::kStream), nullptr);
}

TEST(WaitTableTest, VisitsStreamsInOrderAndKeepsThoseWhoStay) {
  WaitTable table;
  std::vector<std::shared_ptr<FakeWaiter>> waiters;
  for (int i = 0; i < 6; i++) table.add(0, "s", ValueType::kStream, waiters.emplace_back(waiter()));
  waiters[2]->claim();
  std::vector<std::shared_ptr<KeyWaiter>> visited;
  auto const visit = [&](bool leaves) {
    visited.clear();
    table.find(0, "s")->visit_streams([&](auto const& each) {
      visited.push_back(each);
      return leaves && (each == waiters[0] || each == waiters[4]);
    });
  };
  visit(true);
  EXPECT_EQ(visited, (std::vector<std::shared_ptr<KeyWaiter>>{waiters[0], waiters[1], waiters[3], waiters[4], waiters[5]}));
  visit(false);
  EXPECT_EQ(visited, (std::vector<std::shared_ptr<KeyWaiter>>{waiters[1], waiters[3], waiters[5]}));
}

TEST(WaitTableTest, WhoStopsWaitingTakesNoMemoryForLong) {
  WaitTable table;
  auto stays = waiter();
  table.add(0, "k", ValueType::kList, stays);
  for (int i = 0; i < 100'000; i++) {
    auto gone = waiter();
    table.add(0, i % 2 ? "k" : "other" + std::to_string(i), ValueType::kList, gone);
    table.add_target(7, 8, gone);
    if (i % 3) gone->claim();
    ASSERT_LE(table.places(), 128u);
  }
  EXPECT_EQ(table.find(0, "k")->first(ValueType::kList), stays);
}

TEST(WaitTableTest, WhoLeavesIsTakenOutAtTheEndsOfItsLine) {
  WaitTable table;
  std::vector<std::shared_ptr<FakeWaiter>> waiters;
  for (int i = 0; i < 5; i++) {
    table.add(0, "k", ValueType::kList, waiters.emplace_back(waiter()));
    table.add_target(7, 8, waiters.back());
  }
  for (int gone : {0, 2, 4}) waiters[static_cast<size_t>(gone)]->claim();
  table.trim(0, "k", 7);
  EXPECT_EQ(table.places(), 3u);
  waiters[1]->claim();
  waiters[3].reset();
  table.trim(0, "k", 7);
  EXPECT_TRUE(table.empty());
  int targets = 0;
  table.find_targets(7, [&](uint64_t) { targets++; });
  EXPECT_EQ(targets, 0);
  table.trim(0, "k", 7);
}

TEST(WaitTableTest, KnowsTheTargetsOfTheLiving) {
  WaitTable table;
  auto lives = waiter(), dead = waiter();
  table.add_target(1, 10, lives);
  table.add_target(1, 11, dead);
  table.add_target(2, 12, lives);
  dead->claim();
  std::vector<uint64_t> found;
  table.find_targets(1, [&](uint64_t hash) { found.push_back(hash); });
  EXPECT_EQ(found, std::vector<uint64_t>{10});
}

TEST(WaitTableTest, OneOfManyClaims) {
  for (int round = 0; round < 200; round++) {
    auto one = waiter();
    std::atomic<int> winners{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; i++) threads.emplace_back([&] { winners += one->claim(); });
    threads.clear();
    ASSERT_EQ(winners, 1);
  }
}

/// Partitions that a lock set needs for those who wait.
class LocksForWaitersTest : public testing::Test {
 protected:
  static std::string key(int i) { return "key" + std::to_string(i); }
  uint32_t partition_of(std::string const& key) const { return keyspace_.partition_index(keyspace_.hash(key)); }
  void waits(std::string const& from, std::string const& to) {
    Partition& partition = keyspace_.partition(partition_of(from));
    partition.waiters.add(0, from, ValueType::kList, waiter_);
    partition.waiters.add_target(keyspace_.hash(from), keyspace_.hash(to), waiter_);
    keyspace_.targets_waited_for = true;
  }
  /// Locks for `key` as the gate does; returns how often it had to grow.
  int lock_for(std::string const& key) {
    locks_.clear();
    locks_.add_key(keyspace_, key);
    int growths = 0;
    EXPECT_EQ(locks_.lock(keyspace_, nobody_), LockSet::Outcome::kLocked);
    while (!locks_.covers_waiters(keyspace_)) {
      growths++;
      EXPECT_FALSE(locks_.held());
      EXPECT_EQ(locks_.lock(keyspace_, nobody_), LockSet::Outcome::kLocked);
    }
    return growths;
  }
  void TearDown() override {
    if (locks_.held()) locks_.unlock(keyspace_);
  }

  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 64, .databases = 1, .concurrent = true, .hash_seed = 3}, lazy_free_};
  LockSet locks_;
  std::shared_ptr<FakeWaiter> waiter_ = waiter();
  std::shared_ptr<Waiter> nobody_;
};

TEST_F(LocksForWaitersTest, WithoutWaitersNothingIsAdded) {
  EXPECT_EQ(lock_for("a"), 0);
  EXPECT_EQ(locks_.partitions().size(), 1u);
}

TEST_F(LocksForWaitersTest, FollowsAChain) {
  waits("a", "b");
  waits("b", "c");
  waits("other", "elsewhere");
  EXPECT_EQ(lock_for("a"), 2);
  for (char const* key : {"a", "b", "c"}) EXPECT_TRUE(locks_.contains(partition_of(key))) << key;
  EXPECT_FALSE(locks_.global());
  EXPECT_LE(locks_.partitions().size(), 3u);
}

TEST_F(LocksForWaitersTest, ACircleEnds) {
  waits("a", "b");
  waits("b", "a");
  EXPECT_EQ(lock_for("a"), 1);
}

TEST_F(LocksForWaitersTest, TheDeadNeedNothing) {
  waits("a", "b");
  waiter_->claim();
  EXPECT_EQ(lock_for("a"), 0);
}

TEST_F(LocksForWaitersTest, LongChainsTakeAllPartitions) {
  for (int i = 0; i < 40; i++) waits(key(i), key(i + 1));
  EXPECT_EQ(lock_for(key(0)), LockSet::kGrowthsBeforeAll + 1);
  EXPECT_TRUE(locks_.global());
}

TEST_F(LocksForWaitersTest, KeysAreRememberedWhenTheirMemoryIsGone) {
  waits("a", "b");
  locks_.clear();
  locks_.add_key(keyspace_, "a");
  locks_.forget_keys();
  EXPECT_EQ(locks_.lock(keyspace_, nobody_), LockSet::Outcome::kLocked);
  EXPECT_FALSE(locks_.covers_waiters(keyspace_));
  EXPECT_TRUE(std::ranges::find(locks_.partitions(), partition_of("b")) != locks_.partitions().end());
}

}  // namespace
}  // namespace holdfast
