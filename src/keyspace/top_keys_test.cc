#include <gtest/gtest.h>

#include <map>
#include <set>

#include "keyspace/big_keys.h"
#include "keyspace/hot_keys.h"

namespace holdfast {
namespace {

constexpr int64_t kStart = 1'000'000;

std::map<std::string, uint32_t> counts(HotKeys& keys, int64_t now_ms) {
  std::map<std::string, uint32_t> found;
  for (HotKeys::Key const& key : keys.keys(now_ms)) found[key.name] = key.count;
  return found;
}

TEST(HotKeysTest, the_most_used_are_counted_though_there_are_many_more) {
  HotKeys keys;
  for (int round = 0; round < 1000; round++) {
    keys.sample(0, 1, "hot", kStart);
    if (round % 2 == 0) keys.sample(0, 2, "warm", kStart);
    std::string const cold = "cold" + std::to_string(round);
    keys.sample(0, 1000u + static_cast<uint64_t>(round), cold, kStart);
  }
  for (HotKeys::Key const& key : keys.keys(kStart)) {
    // What may be of others is known.
    if (key.name == "hot") {
      EXPECT_EQ(key.count - key.error, 1000u);
    } else if (key.name == "warm") {
      EXPECT_GE(key.count, 500u);
    }
  }
  auto const found = counts(keys, kStart);
  EXPECT_TRUE(found.contains("hot") && found.contains("warm"));
  EXPECT_EQ(found.size(), HotKeys::kKeysMax);
}

TEST(HotKeysTest, the_same_name_in_two_databases_is_two_keys) {
  HotKeys keys;
  keys.sample(0, 1, "k", kStart);
  keys.sample(3, 1, "k", kStart);
  EXPECT_EQ(keys.keys(kStart).size(), 2u);
}

TEST(HotKeysTest, what_is_no_longer_used_fades) {
  HotKeys keys;
  for (int i = 0; i < 8; i++) keys.sample(0, 1, "k", kStart);
  EXPECT_EQ(counts(keys, kStart + HotKeys::kHalfLifeMs)["k"], 4u);
  EXPECT_EQ(counts(keys, kStart + 3 * HotKeys::kHalfLifeMs)["k"], 1u);
  EXPECT_TRUE(keys.keys(kStart + 4 * HotKeys::kHalfLifeMs).empty());
  for (int i = 0; i < 8; i++) keys.sample(0, 1, "k", kStart + 4 * HotKeys::kHalfLifeMs);
  EXPECT_TRUE(keys.keys(kStart + 1000 * HotKeys::kHalfLifeMs).empty());
}

TEST(HotKeysTest, a_constant_rate_is_found_at_any_moment) {
  HotKeys keys;
  int64_t now = kStart;
  // 100 samples a second.
  for (int i = 0; i < 100 * 95; i++) keys.sample(0, 1, "k", now += 10);
  double const expected = 100.0 * HotKeys::kSampledOneOf;
  EXPECT_NEAR(keys.per_second(counts(keys, now)["k"], now), expected, expected * 0.02);
  HotKeys fresh;
  now = kStart;
  for (int i = 0; i < 500; i++) fresh.sample(0, 1, "k", now += 10);
  EXPECT_NEAR(fresh.per_second(counts(fresh, now)["k"], now), expected, expected * 0.02);
}

/// Values by the hash of their key, and what is known of the big ones.
class BigKeysTest : public testing::Test {
 protected:
  size_t bytes_of(uint64_t hash) const {
    auto const found = values.find(hash);
    return found == values.end() ? 0 : found->second;
  }
  void set(uint64_t hash, size_t bytes) {
    size_t const before = bytes_of(hash);
    values[hash] = bytes;
    if (BigKeys::matters(before, bytes)) big.note(hash, bytes, [this](uint64_t each) { return bytes_of(each); });
  }
  void erase(uint64_t hash) {
    big.removed(bytes_of(hash));
    values.erase(hash);
  }
  std::multiset<size_t> sizes() {
    std::multiset<size_t> found;
    big.for_each([this](uint64_t each) { return bytes_of(each); }, [&](uint64_t, size_t bytes) { found.insert(bytes); });
    return found;
  }

  std::map<uint64_t, size_t> values;
  BigKeys big;
};

constexpr size_t kBig = BigKeys::kBytesMin;

TEST_F(BigKeysTest, small_values_are_none) {
  set(1, kBig - 1);
  EXPECT_TRUE(sizes().empty());
  set(1, kBig);
  EXPECT_EQ(sizes(), (std::multiset<size_t>{kBig}));
}

TEST_F(BigKeysTest, growing_shrinking_and_going_are_seen) {
  set(1, kBig);
  set(2, 2 * kBig);
  set(1, kBig + 10);  // not told, but asked for
  EXPECT_EQ(sizes(), (std::multiset<size_t>{kBig + 10, 2 * kBig}));
  set(1, 100);
  EXPECT_EQ(sizes(), (std::multiset<size_t>{2 * kBig}));
  set(1, 3 * kBig);
  erase(2);
  EXPECT_EQ(sizes(), (std::multiset<size_t>{3 * kBig}));
}

TEST_F(BigKeysTest, of_many_the_biggest_stay) {
  for (uint64_t i = 0; i < 1000; i++) set(i, kBig + (i * 7919 % 1000));
  std::multiset<size_t> expected;
  for (size_t i = 1000 - BigKeys::kKeysMax; i < 1000; i++) expected.insert(kBig + i);
  EXPECT_EQ(sizes(), expected);
}

TEST_F(BigKeysTest, one_that_goes_makes_room_for_a_smaller_one) {
  for (uint64_t i = 0; i < BigKeys::kKeysMax; i++) set(i, 10 * kBig);
  set(1000, kBig);
  EXPECT_EQ(sizes().count(kBig), 0u);
  erase(5);
  set(1001, kBig);
  EXPECT_EQ(sizes().count(kBig), 1u);
}

}  // namespace
}  // namespace holdfast
