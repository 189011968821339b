#include "structures/sorted_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

using Model = std::map<std::string, double>;

class SortedSets : public testing::Test {
 protected:
  KeyHasher const hasher_{uint64_t{11}};
  Random random_{12};

  static void expect_same(SortedSet const& set, Model const& model) {
    ASSERT_EQ(set.size(), model.size());
    for (auto const& [member, score] : model) ASSERT_EQ(set.score(member), score);
    std::vector<std::pair<double, std::string>> ordered;
    for (auto const& [member, score] : model) ordered.emplace_back(score, member);
    std::sort(ordered.begin(), ordered.end());
    uint64_t rank = 0;
    for (SortedSet::Cursor at = set.ordered().first(); at; at.next(), rank++) {
      ASSERT_EQ(at.member(), ordered[rank].second);
      if (rank % 61 != 0) continue;
      ASSERT_EQ(set.rank(at.member()), rank);
    }
    ASSERT_EQ(rank, model.size());
  }
};

TEST_F(SortedSets, RandomOperationsAsAMap) {
  SortedSet set(hasher_);
  Model model;
  std::vector<std::pair<SortedSet, Model>> frozen;
  for (int step = 0; step < 200'000; step++) {
    std::string member = "member:" + std::to_string(random_.below(8'000));
    if (random_.below(4) == 0) set.prefetch(std::vector<std::string_view>(random_.below(20), member));  // whatever the size
    if (random_.below(500) == 0) member.append(1'500, 'x');
    double const score = static_cast<double>(random_.below(300)) - 100;
    uint64_t const what = random_.below(1'000);
    if (what < 600) {
      auto const it = model.find(member);
      SortedSet::Put const expected = it == model.end()     ? SortedSet::Put::kAdded
                                      : it->second == score ? SortedSet::Put::kSame
                                                            : SortedSet::Put::kUpdated;
      ASSERT_EQ(set.put(member, score), expected);
      model[member] = score;
    } else if (what < 998) {
      ASSERT_EQ(set.erase(member), model.erase(member) == 1);
      ASSERT_FALSE(set.contains(member));
    } else if (!set.empty()) {
      uint64_t const first = random_.below(set.size());
      RankRange const range{first, std::min(set.size(), first + random_.below(40))};
      SortedSet::Cursor at = set.ordered().at(range.first);
      for (uint64_t i = 0; i < range.size(); i++, at.next()) model.erase(std::string(at.member()));
      set.erase_range(range);
    }
    if (step % 40'009 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_same(set, model));
      frozen.emplace_back(set.freeze(), model);
    }
  }
  ASSERT_NO_FATAL_FAILURE(expect_same(set, model));
  for (auto const& [handle, content] : frozen) ASSERT_NO_FATAL_FAILURE(expect_same(handle, content));
}

TEST_F(SortedSets, ScoresKeepTheirSignOfZero) {
  SortedSet set(hasher_);
  set.put("m", -0.0);
  EXPECT_EQ(set.put("m", 0.0), SortedSet::Put::kSame);
  EXPECT_TRUE(std::signbit(*set.score("m")));
  EXPECT_EQ(set.put("m", 1.0), SortedSet::Put::kUpdated);
  EXPECT_EQ(set.put("m", 0.0), SortedSet::Put::kUpdated);
  EXPECT_FALSE(std::signbit(*set.score("m")));
}

TEST_F(SortedSets, AppendRefusesAMemberThatIsThere) {
  SortedSet set(hasher_);
  EXPECT_TRUE(set.append("b", 2));
  EXPECT_TRUE(set.append("a", 1));
  EXPECT_FALSE(set.append("b", 3));
  EXPECT_EQ(set.score("b"), 2);
  EXPECT_EQ(set.rank("a"), 0u);
}

TEST_F(SortedSets, AMemberOfTenBytesTakesLessThanFortyFive) {
  SortedSet set(hasher_);
  constexpr uint64_t kCount = 300'000;
  for (uint64_t i = 0; i < kCount; i++) {
    std::string member = std::to_string(i);
    member.insert(0, 10 - member.size(), '0');
    set.put(member, random_.unit());
  }
  EXPECT_LE(static_cast<double>(set.memory_bytes()) / kCount, 45);
}

TEST_F(SortedSets, WhatIsFrozenInOrderSharesNoIndex) {
  SortedSet set(hasher_);
  for (int i = 0; i < 20'000; i++) set.put("member:" + std::to_string(i), i);
  SortedSet const whole = set.freeze();
  SortedSet const ordered = set.freeze_ordered();
  EXPECT_EQ(ordered.memory_bytes(), set.ordered().memory_bytes());
  EXPECT_LT(ordered.memory_bytes(), whole.memory_bytes());
  for (int i = 0; i < 20'000; i++) set.put("member:" + std::to_string(i), -1);
  EXPECT_EQ(ordered.size(), 20'000u);
  double expected = 0;
  for (SortedSet::Cursor at = ordered.ordered().first(); at; at.next(), expected++) ASSERT_EQ(at.score(), expected);
  EXPECT_EQ(expected, 20'000);
}

TEST_F(SortedSets, FrozenHandlesAreReadOnOtherThreadsWhileTheWriterGoesOn) {
  SortedSet set(hasher_);
  std::vector<std::thread> readers;
  for (int round = 0; round < 6; round++) {
    for (int i = 0; i < 3'000; i++) set.put("m" + std::to_string(random_.below(5'000)), static_cast<double>(round));
    readers.emplace_back([frozen = set.freeze(), round] {
      uint64_t found = 0;
      for (int i = 0; i < 5'000; i++) {
        std::optional<double> const score = frozen.score("m" + std::to_string(i));
        if (!score) continue;
        found++;
        EXPECT_LE(*score, round);
      }
      EXPECT_EQ(found, frozen.size());
    });
    for (int i = 0; i < 1'000; i++) set.erase("m" + std::to_string(random_.below(5'000)));
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(set.size(), 0u);
}

}  // namespace
}  // namespace holdfast
