#include "structures/sorted_set_scan.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/random.h"

namespace holdfast {
namespace {

class SortedSetScanTest : public testing::Test {
 protected:
  static std::string name(uint64_t number) { return "member:" + std::to_string(number); }

  /// Goes on from `cursor`; what is found is added to `seen`.
  uint64_t step(uint64_t cursor, uint64_t count, std::set<std::string>& seen, bool widen) {
    SortedSetScan scan(set_, cursor, count);
    if (widen) scan.widen();
    while (scan.walk(1 + random_.below(50), [&](std::string_view member, double score) {
      EXPECT_EQ(set_.score(member), score);
      seen.emplace(member);
    })) {
    }
    return scan.cursor();
  }

  KeyHasher hasher_{3};
  Random random_{5};
  SortedSet set_{hasher_};
};

TEST_F(SortedSetScanTest, FindsEachMemberOnce) {
  for (uint64_t i = 0; i < 5000; i++) set_.put(name(i), static_cast<double>(random_.below(300)));
  for (uint64_t count : {1, 10, 333, 100'000}) {
    uint64_t found = 0;
    uint64_t cursor = 0;
    std::set<std::string> seen;
    do {
      std::set<std::string> now;
      cursor = step(cursor, count, now, count == 10);
      found += now.size();
      seen.merge(now);
    } while (cursor != 0);
    EXPECT_EQ(found, 5000);
    EXPECT_EQ(seen.size(), 5000);
  }
}

TEST_F(SortedSetScanTest, MissesNobodyWhoStaysWhateverChanges) {
  for (uint64_t i = 0; i < 3000; i++) set_.put(name(i), static_cast<double>(random_.below(1000)));
  std::set<std::string> seen;
  uint64_t cursor = 0;
  do {
    cursor = step(cursor, 10, seen, true);
    for (int i = 0; i < 20; i++) {
      set_.put(name(random_.below(1000)), static_cast<double>(random_.below(1000)));
      set_.erase(name(1000 + random_.below(1000)));
      set_.put(name(3000 + random_.below(5000)), static_cast<double>(random_.below(1000)));
    }
  } while (cursor != 0);
  for (uint64_t i = 0; i < 1000; i++) EXPECT_TRUE(seen.contains(name(i)));
  for (uint64_t i = 2000; i < 3000; i++) EXPECT_TRUE(seen.contains(name(i)));
}

TEST_F(SortedSetScanTest, TakesLargerStepsWhereManyMembersShareAScore) {
  constexpr uint64_t kMembers = 20'000;
  for (uint64_t i = 0; i < kMembers; i++) set_.put(name(i), 1);
  SortedSetScan scan(set_, 0, 1);
  EXPECT_EQ(scan.cost(), kMembers);
  std::set<std::string> seen;
  uint64_t steps = 0;
  uint64_t cursor = 0;
  do {
    cursor = step(cursor, 1, seen, true);
    steps++;
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), kMembers);
  EXPECT_LE(steps, SortedSetScan::kPairsPerMemberMax + 1);
}

TEST_F(SortedSetScanTest, AnyCursorWillDo) {
  for (uint64_t i = 0; i < 500; i++) set_.put(name(i), static_cast<double>(i));
  for (int i = 0; i < 200; i++) {
    std::set<std::string> seen;
    uint64_t cursor = random_.next();
    while (cursor != 0) cursor = step(cursor, 100, seen, false);
    EXPECT_LE(seen.size(), 500u);
  }
}

}  // namespace
}  // namespace holdfast
