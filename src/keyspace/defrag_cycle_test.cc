#include "keyspace/defrag_cycle.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "keyspace/keyspace.h"
#include "keyspace/txn.h"
#include "memory/lazy_free.h"
#include "values/hash_value.h"

namespace holdfast {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint64_t kMiB = 1024 * 1024;

/// A key space of one thread, beside a model of its strings and of the number of fields of its hashes.
class DefragCycleTest : public testing::Test {
 protected:
  DefragCycleTest() : keyspace_({.partitions = 16, .databases = 2, .concurrent = false, .hash_seed = 3}, lazy_free_) {}

  KeyTable& table_of(uint64_t hash, int db) {
    return keyspace_.table(keyspace_.partition(keyspace_.partition_index(hash)), db);
  }
  void publish(uint64_t hash, int db) {
    keyspace_.publish_counters(keyspace_.partition(keyspace_.partition_index(hash)), db);
  }
  void put(std::string const& key, std::string const& value, int db = 0) {
    uint64_t const hash = keyspace_.hash(key);
    RecordContent content{.key = key, .encoding = Encoding::kRaw, .bytes = value};
    if (value.size() % 3 == 0) content.expire_ms = 1'700'000'000'000;
    if (value.size() >= kSharedBytesMin) {
      content.encoding = Encoding::kShared;
      content.shared = SharedBuffer::copy_of(value).detach();
    }
    table_of(hash, db).put(hash, content);
    publish(hash, db);
    strings_[{db, key}] = value;
  }
  void put_hash(std::string const& key, int fields) {
    uint64_t const hash = keyspace_.hash(key);
    auto body = std::make_unique<HashBody>(keyspace_.value_context().hasher);
    for (int i = 0; i < fields; i++) body->fields.put("field " + std::to_string(i), key);
    table_of(hash, 0).put(hash, {.key = key, .type = ValueType::kHash, .encoding = Encoding::kBody, .body = body.release()});
    publish(hash, 0);
    hashes_[key] = fields;
  }
  void erase(std::string const& key, int db) {
    uint64_t const hash = keyspace_.hash(key);
    KeyTable& table = table_of(hash, db);
    table.erase(table.find(hash, key));
    publish(hash, db);
  }
  void erase_strings(std::mt19937& random, unsigned percent) {
    for (auto at = strings_.begin(); at != strings_.end();) {
      if (random() % 100 < percent) {
        erase(at->first.second, at->first.first);
        at = strings_.erase(at);
      } else {
        ++at;
      }
    }
  }
  void expect_all() {
    for (auto const& [place, value] : strings_) {
      uint64_t const hash = keyspace_.hash(place.second);
      KeyTable::Slot const slot = table_of(hash, place.first).find(hash, place.second);
      ASSERT_TRUE(slot);
      IntegerText scratch;
      ASSERT_EQ(slot.entry()->text(scratch), value);
      ASSERT_EQ(slot.entry()->has_expiry(), value.size() % 3 == 0);
    }
    for (auto const& [key, fields] : hashes_) {
      uint64_t const hash = keyspace_.hash(key);
      KeyTable::Slot const slot = table_of(hash, 0).find(hash, key);
      ASSERT_TRUE(slot);
      auto const& map = static_cast<HashBody*>(slot.entry()->body())->fields;
      ASSERT_EQ(map.size(), static_cast<size_t>(fields));
      for (int i = 0; i < fields; i++) ASSERT_EQ(map.find("field " + std::to_string(i))->value, key);
    }
    ASSERT_EQ(keyspace_.keys(0) + keyspace_.keys(1), strings_.size() + hashes_.size());
  }

  /// A pass that moves everything there is to move, in steps of this length.
  void pass(bool forced, int64_t budget_us = kSecondUs) {
    Defragmentation& defragmentation = keyspace_.defragmentation();
    defragmentation.force(forced);
    FragmentationFigures figures{.live = 100 * kMiB, .sparse_pages = 100 * kMiB, .heap_holes = 50 * kMiB};
    now_us_ += 1000 * kSecondUs;
    defragmentation.regulate(settings_, figures, 1, now_us_);
    ASSERT_GT(defragmentation.effort(), 0u);
    while (cycle_.run(budget_us) == DefragCycle::Progress::kMore) continue;
    defragmentation.force(false);
    defragmentation.regulate(settings_, figures, 1, now_us_);
    ASSERT_EQ(defragmentation.effort(), 0u);
  }
  void survey() {
    for (int i = 0; i < 10; i++) cycle_.survey();
  }

  LazyFree lazy_free_;
  Keyspace keyspace_;
  DefragCycle cycle_{keyspace_, 0, 1};
  Defragmentation::Settings settings_{.on = true};
  int64_t now_us_ = 0;
  std::map<std::pair<int, std::string>, std::string> strings_;
  std::map<std::string, int> hashes_;
};

TEST_F(DefragCycleTest, PagesFollowDataAfterMostKeysWereDeletedAtRandom) {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; i++) put("key:" + std::to_string(i), std::string(80 + random() % 40, 'v'), i % 2);
  size_t const full = keyspace_.page_bytes();
  erase_strings(random, 90);
  size_t const sparse = keyspace_.page_bytes();
  size_t const used = keyspace_.used_bytes();
  EXPECT_GT(sparse * 2, full);
  survey();
  EXPECT_GT(keyspace_.sum(&Partition::sparse_bytes), sparse / 2);
  pass(false);
  // A tenth, and for each of the 32 tables a page of each of six classes that is not full.
  EXPECT_LT(keyspace_.page_bytes(), full / 8 + 32 * 6 * kPageBytes);
  EXPECT_LE(keyspace_.used_bytes(), used);
  survey();
  EXPECT_LT(keyspace_.sum(&Partition::sparse_bytes), sparse / 20);
  EXPECT_GT(keyspace_.defragmentation().counts.hits.load(), strings_.size() / 2);
  EXPECT_GT(keyspace_.defragmentation().counts.key_hits.load(), strings_.size() / 2);
  expect_all();
}

TEST_F(DefragCycleTest, AllContentsStayTheSameWhatEverHappensBetweenTheSteps) {
  std::mt19937 random(2);
  put_hash("big", 20'000);
  for (int i = 0; i < 50; i++) put_hash("hash " + std::to_string(i), 200 + i);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 15'000; i++) {
      size_t const length = random() % 500 == 0 ? 33'000 + random() % 200'000 : random() % 40 == 0 ? 600 + random() % 3000 : random() % 130;
      put("key:" + std::to_string(random() % 30'000), std::string(length, static_cast<char>('a' + i % 26)), i % 2);
    }
    Defragmentation& defragmentation = keyspace_.defragmentation();
    defragmentation.force(true);
    for (int i = 0; i < 3000; i++) {
      if (i % 500 == 0) defragmentation.regulate(settings_, {}, 1, now_us_ += kSecondUs);
      cycle_.run(0);
      put("key:" + std::to_string(random() % 30'000), std::string(random() % 200, 'z'), i % 2);
      if (i % 1000 == 999) erase_strings(random, 40);
    }
    pass(true);
    expect_all();
    size_t const used = keyspace_.used_bytes();
    pass(true, 0);
    EXPECT_LE(keyspace_.used_bytes(), used);
    expect_all();
  }
}

TEST_F(DefragCycleTest, WhatAReplyStillReadsIsNotMoved) {
  put("shared", std::string(40'000, 's'));
  put_hash("hash", 1000);
  uint64_t const hash = keyspace_.hash("shared");
  SharedBuffer* const buffer = table_of(hash, 0).find(hash, "shared").entry()->shared();
  buffer->add_ref();
  SharedBufferRef const reply = SharedBufferRef::adopt(buffer);
  uint64_t const hash_hash = keyspace_.hash("hash");
  std::unique_ptr<Body> const frozen = table_of(hash_hash, 0).find(hash_hash, "hash").entry()->body()->freeze();
  pass(true);
  EXPECT_EQ(table_of(hash, 0).find(hash, "shared").entry()->shared(), buffer);
  expect_all();
  EXPECT_EQ(static_cast<HashBody&>(*frozen).fields.size(), 1000u);
}

TEST_F(DefragCycleTest, ItRunsBetweenTheThresholdsWithTheEffortThatIsConfigured) {
  Defragmentation defragmentation;
  Defragmentation::Settings settings{.on = true, .ignore_bytes = 10 * kMiB, .threshold_lower = 10, .threshold_upper = 100,
                                     .cycle_min = 5, .cycle_max = 25};
  auto const effort = [&](uint64_t live_mib, uint64_t holes_mib) {
    now_us_ += 100 * kSecondUs;
    defragmentation.regulate(settings, {.live = live_mib * kMiB, .sparse_pages = holes_mib * kMiB}, 1, now_us_);
    uint32_t const now = defragmentation.effort();
    if (now == 0) return now;
    defragmentation.part_done();
    defragmentation.regulate(settings, {.live = live_mib * kMiB}, 1, now_us_ += kSecondUs);
    EXPECT_EQ(defragmentation.effort(), 0u);
    return now;
  };
  EXPECT_EQ(effort(1, 9), 0u);      // few bytes
  EXPECT_EQ(effort(1000, 90), 0u);  // a small share
  EXPECT_EQ(effort(1000, 100), 5u);
  EXPECT_EQ(effort(1000, 550), 15u);
  EXPECT_EQ(effort(1000, 1000), 25u);
  EXPECT_EQ(effort(1000, 5000), 25u);
  settings.on = false;
  EXPECT_EQ(effort(1000, 5000), 0u);
  EXPECT_EQ(defragmentation.total_us(now_us_), 4 * kSecondUs);
}

TEST_F(DefragCycleTest, APassThatWonNothingIsNotRepeatedAtOnce) {
  Defragmentation defragmentation;
  Defragmentation::Settings const settings{.on = true};
  FragmentationFigures const holes{.live = 100 * kMiB, .heap_holes = 80 * kMiB};
  defragmentation.regulate(settings, holes, 2, now_us_);
  EXPECT_GT(defragmentation.effort(), 0u);
  uint32_t const first = defragmentation.pass();
  defragmentation.part_done();
  defragmentation.regulate(settings, holes, 2, now_us_ += kSecondUs);
  EXPECT_GT(defragmentation.effort(), 0u);  // the other worker
  defragmentation.part_done();
  for (int i = 0; i < 30; i++) {
    defragmentation.regulate(settings, holes, 2, now_us_ += kSecondUs);
    EXPECT_EQ(defragmentation.effort(), 0u);
  }
  defragmentation.regulate(settings, {.live = 100 * kMiB, .heap_holes = 120 * kMiB}, 2, now_us_ += kSecondUs);
  EXPECT_GT(defragmentation.effort(), 0u);  // there is more than before
  EXPECT_EQ(defragmentation.pass(), first + 1);
}

/// Runs `work` in a transaction of the partition of `key`, as soon as that is free.
template <class Work>
void with_key(Keyspace& keyspace, TxnScratch& scratch, std::string const& key, Work&& work) {
  LockSet locks;
  do {
    locks.clear();
    locks.add_key(keyspace, key);
  } while (!locks.try_lock(keyspace));
  Txn txn(keyspace, locks, scratch, 1'700'000'000'000);
  work(txn);
  txn.commit();
}

TEST(DefragCycleThreads, WritersReadWhatTheyWroteWhileTwoCyclesMoveEverything) {
  LazyFree lazy_free;
  Keyspace keyspace({.partitions = 16, .databases = 1, .concurrent = true, .hash_seed = 4}, lazy_free);
  Defragmentation& defragmentation = keyspace.defragmentation();
  defragmentation.force(true);
  std::atomic<int> writing{2};
  auto const write = [&](int writer) {
    TxnScratch scratch;
    std::map<std::string, std::string> model;
    std::mt19937 random(static_cast<unsigned>(writer));
    for (int step = 0; step < 20'000; step++) {
      std::string const key = std::to_string(writer) + ":" + std::to_string(random() % 2000);
      size_t const length = random() % 100 == 0 ? 33'000 : random() % 20 == 0 ? 700 : random() % 120;
      std::string const value(length, static_cast<char>('a' + step % 26));
      with_key(keyspace, scratch, key, [&](Txn& txn) {
        Record const* const record = txn.find(key, Lookup::kRead);
        auto const known = model.find(key);
        ASSERT_EQ(record != nullptr, known != model.end());
        IntegerText text;
        if (record) {
          ASSERT_EQ(record->text(text), known->second);
        }
        txn.put_string(key, value, StringForm::kAuto, std::nullopt);
      });
      model[key] = value;
    }
    writing--;
  };
  auto const move = [&](uint32_t worker) {
    DefragCycle cycle(keyspace, worker, 2);
    while (writing > 0) {
      if (worker == 0) defragmentation.regulate({}, measure_fragmentation(keyspace, 0, 0), 2, 0);
      cycle.survey();
      if (cycle.run(200) == DefragCycle::Progress::kNothing) std::this_thread::yield();
    }
  };
  std::thread threads[] = {std::thread(write, 1), std::thread(write, 2), std::thread(move, 0), std::thread(move, 1)};
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(defragmentation.counts.hits.load(), 1000u);
  EXPECT_GT(defragmentation.pass(), 1u);
}

}  // namespace
}  // namespace holdfast
