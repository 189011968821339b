#include <gtest/gtest.h>

#include <string>

#include "commands/command_fixture.h"

// maxmemory as a connection meets it. Which key goes is tested in src/keyspace/eviction_cycle_test.cc.

namespace holdfast {
namespace {

using config::MaxmemoryPolicy;

constexpr std::string_view kRefused = "-OOM command not allowed when used memory > 'maxmemory'.";

class EvictionTest : public CommandTest {
 protected:
  MemoryLimit& limit() { return session_->services().state.memory_limit; }
  void set_limit(uint64_t bytes, MaxmemoryPolicy policy) {
    keyspace_.eviction().policy.store(policy);
    limit().configure(keyspace_, {.bytes = bytes, .tenacity = 100});
    limit().correct(keyspace_, {.keys = keyspace_.used_bytes()});
  }
  uint64_t keys() const { return keyspace_.keys(0); }
};

TEST_F(EvictionTest, WithoutEvictionWhatTakesMemoryIsRefused) {
  run("set a 1");
  set_limit(1, MaxmemoryPolicy::kNoEviction);
  expect("set b 1", kRefused);
  expect("lpush l x", kRefused);
  expect("get a", "\"1\"");
  expect("expire a 100", ":1");
  EXPECT_TRUE(limit().refuses());
  expect("del a", ":1");
  set_limit(0, MaxmemoryPolicy::kNoEviction);
  EXPECT_FALSE(limit().refuses());
  expect("set b 1", "+OK");
}

TEST_F(EvictionTest, WithoutRoomNothingIsQueued) {
  run("set a 1");
  run("multi");
  set_limit(1, MaxmemoryPolicy::kNoEviction);
  expect("get a", kRefused);
  expect("exec", "-EXECABORT Transaction discarded because of previous errors.");
  run("multi");
  expect("discard", "+OK");
}

TEST_F(EvictionTest, AnExecThatTakesMemoryIsRefusedOneThatReadsIsNot) {
  run("set a 1");
  run("multi");
  run("set a 2");
  set_limit(1, MaxmemoryPolicy::kNoEviction);
  expect("exec", "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.");
  set_limit(0, MaxmemoryPolicy::kNoEviction);
  run("multi");
  run("get a");
  set_limit(1, MaxmemoryPolicy::kNoEviction);
  expect("exec", "[\"1\"]");
}

TEST_F(EvictionTest, WhatIsEvictedIsLoggedBeforeTheCommandThatNeedsRoom) {
  run("set a 1");
  set_limit(keyspace_.used_bytes() - 1, MaxmemoryPolicy::kAllKeysLru);
  expect_logged("SET b 2", "DEL a | SET b 2");
  keyspace_.logs_eviction_as_unlink.store(true);
  set_limit(keyspace_.used_bytes() - 1, MaxmemoryPolicy::kAllKeysLru);
  expect_logged("get nothing", "UNLINK b");
  EXPECT_EQ(keyspace_.sum(&Partition::evicted), 2u);
  EXPECT_EQ(keyspace_.sum(&Partition::expired), 0u);
}

TEST_F(EvictionTest, NoMoreGoesThanMustAndTheLimitIsKept) {
  for (int i = 0; i < 4000; i++) run("set key:" + std::to_string(i) + " " + std::string(100, 'v'));
  uint64_t const bytes = keyspace_.used_bytes() / 2;
  set_limit(bytes, MaxmemoryPolicy::kAllKeysRandom);
  run("ping");
  EXPECT_LE(keyspace_.used_bytes(), bytes);
  EXPECT_GT(keyspace_.used_bytes(), bytes - bytes / 50);
  for (int i = 4000; i < 12'000; i++) {
    ASSERT_EQ(run("set key:" + std::to_string(i) + " " + std::string(100, 'v')), "+OK");
    ASSERT_LT(keyspace_.used_bytes(), bytes + bytes / 50);
    ASSERT_GT(keyspace_.used_bytes(), bytes - bytes / 25);
  }
}

TEST_F(EvictionTest, OnlyKeysWithAnExpiryGoAndWhenTheyAreGoneWritesAreRefused) {
  run("set stays 1");
  run("set goes 1 ex 100");
  set_limit(1, MaxmemoryPolicy::kVolatileLru);
  expect("set x 1", kRefused);
  expect("exists stays goes", ":1");
  expect("expire stays 100", ":1");
  expect("set x 1", kRefused);
  EXPECT_EQ(keys(), 0u);
}

TEST_F(EvictionTest, AWatchedKeyThatIsEvictedHasChanged) {
  run("set a 1");
  run("watch a");
  run("multi");
  run("ping");
  set_limit(keyspace_.used_bytes() - 1, MaxmemoryPolicy::kAllKeysLru);
  expect("exec", "nil");
}

TEST_F(EvictionTest, WhileExpiryIsHeldNothingIsEvictedOrRefused) {
  run("set a 1");
  set_limit(1, MaxmemoryPolicy::kAllKeysLru);
  keyspace_.expiry_holds++;
  expect("set b 1", "+OK");
  EXPECT_EQ(keys(), 2u);
  keyspace_.expiry_holds--;
  expect("get a", "nil");
  EXPECT_EQ(keys(), 0u);
}

TEST_F(EvictionTest, AReplayedCommandIsNeitherRefusedNorCausesEviction) {
  run("set a 1");
  set_limit(1, MaxmemoryPolicy::kAllKeysLru);
  replay("set b 1");
  EXPECT_EQ(keys(), 2u);
}

TEST_F(EvictionTest, APartOfMemoryThatIsNotKeysCounts) {
  run("set a 1");
  set_limit(1'000'000, MaxmemoryPolicy::kAllKeysLru);
  limit().correct(keyspace_, {.keys = keyspace_.used_bytes(), .clients = 2'000'000});
  expect("set b 1", kRefused);
  EXPECT_EQ(keys(), 0u);
  limit().correct(keyspace_, {.keys = keyspace_.used_bytes(), .log_buffer = 2'000'000});
  expect("set b 1", "+OK");
}

}  // namespace
}  // namespace holdfast
