#include "keyspace/local_expiry.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "keyspace/expiry_cycle.h"
#include "keyspace/keyspace.h"
#include "keyspace/txn.h"

namespace holdfast {
namespace {

using Key = LocalExpiry::Key;

TEST(LocalExpiry, GivesWhatIsDueInOrder) {
  LocalExpiry expiry;
  expiry.note(0, "b", 20);
  expiry.note(0, "a", 10);
  expiry.note(1, "a", 30);
  EXPECT_EQ(expiry.take_due(10), std::nullopt);
  EXPECT_EQ(expiry.take_due(21), Key(0, "a"));
  EXPECT_EQ(expiry.take_due(21), Key(0, "b"));
  EXPECT_EQ(expiry.take_due(21), std::nullopt);
  EXPECT_EQ(expiry.size(), 1u);
}

TEST(LocalExpiry, AKeyHasOnePlace) {
  LocalExpiry expiry;
  for (int64_t time = 100; time > 0; time--) expiry.note(0, "k", time);
  expiry.note(0, "k", 50);
  EXPECT_EQ(expiry.size(), 1u);
  EXPECT_EQ(expiry.take_due(50), std::nullopt);
  EXPECT_EQ(expiry.take_due(51), Key(0, "k"));
  expiry.note(0, "k", 1);
  expiry.forget(0, "k");
  expiry.forget(0, "never noted");
  EXPECT_EQ(expiry.take_due(1000), std::nullopt);
}

/// A key space as that of a writable replica.
class LocalExpiryTest : public testing::Test {
 protected:
  LocalExpiryTest() { keyspace_.expiry_left_to_primary.store(true); }

  template <class Work>
  void in_transaction(std::string_view key, Work&& work) {
    LockSet locks;
    locks.add_key(keyspace_, key);
    ASSERT_TRUE(locks.try_lock(keyspace_));
    Txn txn(keyspace_, locks, scratch_, kNow);
    work(txn);
    txn.commit();
  }
  void set(std::string_view key, std::optional<int64_t> expire_ms) {
    in_transaction(key, [&](Txn& txn) { txn.put_string(key, "v", StringForm::kAuto, expire_ms); });
  }
  /// How many keys are left when the cycle has passed at that time.
  uint64_t left_at(int64_t now_ms) {
    ExpiryCycle cycle(keyspace_, 0, 1);
    while (cycle.run(scratch_, now_ms, 1'000'000) == ExpiryCycle::Progress::kMore) continue;
    return keyspace_.keys(0);
  }

  static constexpr int64_t kNow = 1'000'000;
  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 4, .databases = 2, .hash_seed = 7}, lazy_free_};
  TxnScratch scratch_;
};

TEST_F(LocalExpiryTest, WhatClientsMadeExpireIsDeleted) {
  for (int i = 0; i < 1000; i++) set("key:" + std::to_string(i), kNow + i);
  set("stays", std::nullopt);
  set("later", std::nullopt);
  in_transaction("later", [&](Txn& txn) { txn.set_expiry("later", kNow + 5000); });
  set("no more", kNow + 10);
  in_transaction("no more", [&](Txn& txn) { txn.set_expiry("no more", std::nullopt); });
  EXPECT_EQ(left_at(kNow), 1003u);
  EXPECT_EQ(left_at(kNow + 500), 503u);
  EXPECT_EQ(left_at(kNow + 5000), 3u);
  EXPECT_EQ(left_at(kNow + 5001), 2u);
}

TEST_F(LocalExpiryTest, WhatIsTheirsNoMoreStays) {
  set("k", kNow + 10);
  keyspace_.forget_local_expiry();
  EXPECT_EQ(left_at(kNow + 100), 1u);
}

TEST_F(LocalExpiryTest, WhileLoadingNothingIsTheirs) {
  in_transaction("k", [&](Txn& txn) {
    txn.serve_nobody();
    txn.put_string("k", "v", StringForm::kAuto, kNow + 10);
  });
  EXPECT_EQ(left_at(kNow + 100), 1u);
}

}  // namespace
}  // namespace holdfast
