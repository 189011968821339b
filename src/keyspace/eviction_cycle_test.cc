#include "keyspace/eviction_cycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "keyspace/keyspace.h"
#include "keyspace/txn.h"
#include "memory/lazy_free.h"

namespace holdfast {
namespace {

using config::MaxmemoryPolicy;
using Step = EvictionCycle::Step;

constexpr MaxmemoryPolicy kVolatile[] = {MaxmemoryPolicy::kVolatileLru, MaxmemoryPolicy::kVolatileLfu,
                                         MaxmemoryPolicy::kVolatileRandom, MaxmemoryPolicy::kVolatileTtl};
constexpr MaxmemoryPolicy kAllKeys[] = {MaxmemoryPolicy::kAllKeysLru, MaxmemoryPolicy::kAllKeysLfu,
                                        MaxmemoryPolicy::kAllKeysRandom};

class EvictionCycleTest : public testing::Test {
 protected:
  static constexpr int64_t kNow = 1'700'000'000'000;

  EvictionCycleTest() { set_clock(0); }

  void set_clock(int64_t seconds) {
    keyspace_.access().clock.store(static_cast<uint32_t>(kNow / 1000 + seconds), std::memory_order_relaxed);
  }
  void set_policy(MaxmemoryPolicy policy) {
    keyspace_.eviction().policy.store(policy, std::memory_order_relaxed);
    bool const lfu = policy == MaxmemoryPolicy::kAllKeysLfu || policy == MaxmemoryPolicy::kVolatileLfu;
    keyspace_.access().lfu.store(lfu, std::memory_order_relaxed);
  }
  template <class Work>
  auto with_key(std::string const& key, int db, Work&& work) {
    LockSet locks;
    locks.add_key(keyspace_, key);
    EXPECT_TRUE(locks.try_lock(keyspace_));
    Txn txn(keyspace_, locks, scratch_, kNow);
    txn.select(db);
    auto result = work(txn);
    txn.commit();
    return result;
  }
  void put(std::string const& key, std::optional<int64_t> expire_ms = std::nullopt, int db = 0) {
    with_key(key, db, [&](Txn& txn) {
      txn.put_string(key, "value of " + key, StringForm::kAuto, expire_ms);
      return true;
    });
  }
  void touch(std::string const& key) {
    with_key(key, 0, [&](Txn& txn) { return txn.find(key, Lookup::kRead) != nullptr; });
  }
  void set_access(std::string const& key, uint32_t access) {
    with_key(key, 0, [&](Txn& txn) {
      txn.find(key, Lookup::kPeek)->set_access(access);
      return true;
    });
  }
  bool exists(std::string const& key, int db = 0) {
    return with_key(key, db, [&](Txn& txn) { return txn.exists(key); });
  }
  static std::string name(int number) { return "key:" + std::to_string(number); }
  /// The numbers of those that are gone.
  std::vector<int> gone(int count) {
    std::vector<int> numbers;
    for (int i = 0; i < count; i++) {
      if (!exists(name(i))) numbers.push_back(i);
    }
    return numbers;
  }
  uint64_t keys() const {
    uint64_t total = 0;
    for (int db = 0; db < keyspace_.databases(); db++) total += keyspace_.keys(db);
    return total;
  }
  Step evict() { return cycle_.evict_one(scratch_, kNow); }
  /// Evicts so many keys, one by one.
  void evict(int count) {
    for (int evicted = 0, steps = 0; evicted < count; steps++) {
      ASSERT_LT(steps, count * 1000) << "it goes on without an end";
      uint64_t const before = keys();
      Step const step = evict();
      ASSERT_NE(step, Step::kNothing);
      ASSERT_EQ(keys(), before - (step == Step::kEvicted));
      evicted += step == Step::kEvicted;
    }
  }
  void evict_all() {
    int steps = 0;
    while (evict() != Step::kNothing) ASSERT_LT(steps++, 100'000);
  }

  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 16, .databases = 4, .concurrent = true, .hash_seed = 7}, lazy_free_};
  TxnScratch scratch_;
  EvictionCycle cycle_{keyspace_};
};

TEST_F(EvictionCycleTest, AmongEqualsTheNewAreNoMoreLikelyToGoThanTheOld) {
  constexpr int kKeys = 2000;
  for (MaxmemoryPolicy const policy : {MaxmemoryPolicy::kAllKeysLfu, MaxmemoryPolicy::kAllKeysLru}) {
    set_policy(policy);
    for (int i = 0; i < kKeys; i++) put(name(i));
    // Nothing is used, and the clock stands still: all are worth the same.
    for (int i = 0; i < 2 * kKeys; i++) {
      evict(1);
      put("new " + std::to_string(i));
    }
    int const old = kKeys - static_cast<int>(gone(kKeys).size());
    // By chance alone exp(-2) of them stay, 271.
    EXPECT_GT(old, 180) << "those that came first go first";
    EXPECT_LT(old, 360) << "those that came last go first";
    set_policy(MaxmemoryPolicy::kAllKeysRandom);
    evict_all();
  }
}

TEST_F(EvictionCycleTest, WithoutAPolicyOrKeysNothingGoes) {
  put("a", kNow + 1000);
  EXPECT_EQ(evict(), Step::kNothing);
  EXPECT_TRUE(exists("a"));
  for (MaxmemoryPolicy policy : kAllKeys) {
    set_policy(policy);
    EXPECT_EQ(evict(), Step::kEvicted);
    EXPECT_EQ(evict(), Step::kNothing);
    put("a", kNow + 1000);
  }
}

TEST_F(EvictionCycleTest, VolatilePoliciesTakeNoKeyWithoutAnExpiry) {
  for (MaxmemoryPolicy policy : kVolatile) {
    set_policy(policy);
    for (int i = 0; i < 2000; i++) put(name(i), i % 50 == 0 ? std::optional(kNow + 1000 + i) : std::nullopt);
    evict(20);
    EXPECT_EQ(gone(2000).size(), 20u);
    evict_all();
    for (int i = 0; i < 2000; i++) ASSERT_EQ(exists(name(i)), i % 50 != 0) << i << " policy " << int(policy);
    EXPECT_EQ(keyspace_.expiring_keys(0), 0u);
  }
}

TEST_F(EvictionCycleTest, AKeyWithExpiryAmongManyWithoutIsFound) {
  for (int i = 0; i < 20'000; i++) put(name(i));
  for (MaxmemoryPolicy policy : kVolatile) {
    set_policy(policy);
    put("rare", kNow + 1000);
    evict(1);
    EXPECT_FALSE(exists("rare"));
    EXPECT_EQ(evict(), Step::kNothing);
  }
  EXPECT_EQ(keys(), 20'000u);
}

TEST_F(EvictionCycleTest, AllDatabasesAreEmptiedBySharesOfTheirKeys) {
  for (MaxmemoryPolicy policy : kAllKeys) {
    set_policy(policy);
    for (int i = 0; i < 3000; i++) put(name(i), std::nullopt, i % 3 == 0 ? 1 : 3);
    evict(900);
    EXPECT_GT(keyspace_.keys(1), 1000u - 450u);
    EXPECT_LT(keyspace_.keys(1), 1000u - 150u);
    evict_all();
    EXPECT_EQ(keys(), 0u);
  }
}

TEST_F(EvictionCycleTest, TheLeastRecentlyUsedGo) {
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kAllKeysLru, MaxmemoryPolicy::kVolatileLru}) {
    set_policy(policy);
    for (int i = 0; i < 8000; i++) {
      set_clock(i);
      put(name(i), kNow + 1'000'000'000);
    }
    // The oldest quarter is used again and is now the youngest.
    set_clock(8000);
    for (int i = 0; i < 2000; i++) touch(name(i));
    evict(2000);
    std::vector<int> const numbers = gone(8000);
    auto const in = [&](int from, int to) {
      return std::ranges::count_if(numbers, [&](int number) { return number >= from && number < to; });
    };
    EXPECT_GT(in(2000, 4000), 1500);
    EXPECT_LT(in(6000, 8000), 20);
    EXPECT_LT(in(0, 2000), 20);
    evict_all();
  }
}

TEST_F(EvictionCycleTest, TheLeastFrequentlyUsedGo) {
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kAllKeysLfu, MaxmemoryPolicy::kVolatileLfu}) {
    set_policy(policy);
    for (int i = 0; i < 8000; i++) {
      put(name(i), kNow + 1'000'000'000);
      set_access(name(i), keyspace_.access_of_frequency(static_cast<uint8_t>(i % 4 * 50)));
    }
    evict(1500);
    int seldom = 0;
    int often = 0;
    for (int number : gone(8000)) {
      seldom += number % 4 == 0;
      often += number % 4 == 3;
    }
    EXPECT_GT(seldom, 1350);
    EXPECT_EQ(often, 0);
    evict_all();
  }
}

TEST_F(EvictionCycleTest, WhatExpiresSoonestGoes) {
  set_policy(MaxmemoryPolicy::kVolatileTtl);
  for (int i = 0; i < 8000; i++) put(name(i), kNow + 1000 + int64_t{(i * 7919) % 8000});
  evict(800);
  int soon = 0;
  for (int number : gone(8000)) soon += (number * 7919) % 8000 < 1600;
  EXPECT_GT(soon, 760);
}

TEST_F(EvictionCycleTest, AKeyUsedSinceItWasChosenIsSpared) {
  set_policy(MaxmemoryPolicy::kAllKeysLru);
  keyspace_.eviction().samples.store(1000);
  std::vector<std::string> together;  // in one partition, so that all are looked at
  for (int i = 0; together.size() < 4; i++) {
    if (keyspace_.partition_index(keyspace_.hash(name(i))) == 3) together.push_back(name(i));
  }
  for (size_t i = 0; i < together.size(); i++) {
    set_clock(static_cast<int64_t>(i));
    put(together[i]);
  }
  evict(1);
  EXPECT_FALSE(exists(together[0]));
  set_clock(100);
  touch(together[1]);
  evict(1);
  EXPECT_TRUE(exists(together[1]));
  EXPECT_FALSE(exists(together[2]));
}

TEST_F(EvictionCycleTest, PartitionsThatOthersHoldAreLeftForLater) {
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kAllKeysLru, MaxmemoryPolicy::kAllKeysRandom}) {
    set_policy(policy);
    for (int i = 0; i < 500; i++) put(name(i));
    LockSet locks;
    uint32_t const held = keyspace_.partition_index(keyspace_.hash(name(0)));
    locks.add_partition(held);
    ASSERT_TRUE(locks.try_lock(keyspace_));
    int steps = 0;
    while (keys() > keyspace_.partition(held).counters[0].keys.get()) {
      ASSERT_NE(evict(), Step::kNothing);
      ASSERT_LT(steps++, 100'000);
    }
    EXPECT_EQ(evict(), Step::kLater);
    locks.unlock(keyspace_);
    evict_all();
    EXPECT_EQ(keys(), 0u);
  }
}

TEST_F(EvictionCycleTest, SeveralWorkersWriteAndEvictAtOnce) {
  constexpr int kWorkers = 4;
  constexpr int kKeys = 3000;
  for (MaxmemoryPolicy policy : {MaxmemoryPolicy::kAllKeysLru, MaxmemoryPolicy::kVolatileTtl, MaxmemoryPolicy::kAllKeysRandom}) {
    set_policy(policy);
    uint64_t const evicted_before = keyspace_.sum(&Partition::evicted);
    auto const work = [&](int worker) {
      TxnScratch scratch;
      EvictionCycle cycle(keyspace_);
      LockSet locks;
      for (int i = 0; i < kKeys; i++) {
        std::string const key = name(i) + ":" + std::to_string(worker);
        locks.clear();
        locks.add_key(keyspace_, key);
        while (!locks.try_lock(keyspace_)) std::this_thread::yield();
        {
          Txn txn(keyspace_, locks, scratch, kNow);
          txn.put_string(key, "value", StringForm::kAuto, kNow + 1000 + i);
          txn.commit();
        }
        if (i % 3 != 0) cycle.evict_one(scratch, kNow);
      }
    };
    std::vector<std::thread> threads;
    for (int worker = 0; worker < kWorkers; worker++) threads.emplace_back(work, worker);
    for (std::thread& thread : threads) thread.join();
    uint64_t const evicted = keyspace_.sum(&Partition::evicted) - evicted_before;
    EXPECT_GT(evicted, 0u);
    EXPECT_EQ(keys(), uint64_t{kWorkers} * kKeys - evicted);
    evict_all();
    EXPECT_EQ(keys(), 0u);
  }
}

TEST_F(EvictionCycleTest, WhatIsReportedOfTheMemoryAddsUp) {
  set_policy(MaxmemoryPolicy::kAllKeysRandom);
  keyspace_.memory_report_step.store(64);
  int64_t const before = static_cast<int64_t>(keyspace_.used_bytes());
  for (int i = 0; i < 5000; i++) put(name(i));
  auto const difference = [&] { return static_cast<int64_t>(keyspace_.used_bytes()) - before - keyspace_.memory_changes(); };
  EXPECT_LT(std::abs(difference()), 64 * 16);
  evict(3000);
  EXPECT_LT(std::abs(difference()), 64 * 16);
  keyspace_.memory_report_step.store(1);
  evict_all();
  EXPECT_EQ(keys(), 0u);
  EXPECT_LT(std::abs(difference()), 64 * 16);
}

}  // namespace
}  // namespace holdfast
