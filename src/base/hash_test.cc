#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast {
namespace {

TEST(KeyHasher, DependsOnTheSeedAndOnEveryByte) {
  KeyHasher const a(1);
  KeyHasher const again(1);
  KeyHasher const b(2);
  KeyHasher const drawn;
  std::set<uint64_t> seen;
  // Lengths across every branch of the function.
  for (size_t length = 0; length <= 300; ++length) {
    std::string key(length, 'k');
    EXPECT_EQ(a(key), again(key));
    EXPECT_NE(a(key), b(key));
    EXPECT_NE(a(key), drawn(key));
    EXPECT_TRUE(seen.insert(a(key)).second);
    if (length == 0) continue;
    key.back() ^= 1;
    EXPECT_TRUE(seen.insert(a(key)).second);
  }
}

TEST(KeyHasher, SpreadsSequentialKeysOverTheHighBits) {
  KeyHasher const hash(9);
  int buckets[64] = {};
  for (int i = 0; i < 64000; ++i) ++buckets[hash("key:" + std::to_string(i)) >> 58];
  for (int const count : buckets) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace holdfast
