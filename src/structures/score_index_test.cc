#include "structures/score_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

namespace holdfast {
namespace {

using Model = std::multimap<uint64_t, double>;

std::multiset<double> candidates(ScoreIndex const& index, uint64_t hash) {
  std::multiset<double> scores;
  EXPECT_FALSE(index.for_each_candidate(hash, [&](double score) {
    scores.insert(score);
    return false;
  }));
  return scores;
}

std::multiset<double> candidates(Model const& model, uint64_t hash) {
  std::multiset<double> scores;
  auto [first, last] = model.equal_range(hash);
  for (; first != last; ++first) scores.insert(first->second);
  return scores;
}

void expect_same(ScoreIndex const& index, Model const& model) {
  ASSERT_EQ(index.size(), model.size());
  for (auto const& [hash, score] : model) ASSERT_EQ(candidates(index, hash), candidates(model, hash));
}

TEST(ScoreIndex, BehavesLikeAMultimapAndFrozenHandlesStayAsTheyAre) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> hashes(30'000);
  // The lower half of a hash is not kept: hashes that differ only there are candidates of each other.
  for (uint64_t& hash : hashes) hash = random() << 32;
  ScoreIndex index;
  Model model;
  ScoreIndex frozen;
  Model then;
  for (int step = 0; step < 300'000; step++) {
    uint64_t const hash = hashes[random() % hashes.size()];
    auto const score = static_cast<double>(random() % 4);
    auto known = model.end();
    auto [first, last] = model.equal_range(hash);
    for (; first != last; ++first) {
      if (first->second == score) known = first;
    }
    bool const shrinking = step / 50'000 % 2;
    uint64_t const dice = random() % 10;
    if (dice < 2) {
      auto const other = static_cast<double>(random() % 4);
      ASSERT_EQ(index.update(hash, score, other), known != model.end());
      if (known != model.end()) known->second = other;
    } else if (dice < (shrinking ? 9u : 4u)) {
      ASSERT_EQ(index.erase(hash, score), known != model.end());
      if (known != model.end()) model.erase(known);
    } else {
      index.insert(hash, score);
      model.emplace(hash, score);
    }
    ASSERT_EQ(index.size(), model.size());
    if (step % 37'000 == 36'999) {
      expect_same(index, model);
      expect_same(frozen, then);
      frozen = index.freeze();
      then = model;
    }
  }
  expect_same(frozen, then);
  while (!model.empty()) {
    ASSERT_TRUE(index.erase(model.begin()->first, model.begin()->second));
    model.erase(model.begin());
  }
  EXPECT_EQ(index.memory_bytes(), 0u);
  expect_same(frozen, then);
}

TEST(ScoreIndex, ZeroesAreEqual) {
  ScoreIndex index;
  index.insert(1, -0.0);
  EXPECT_TRUE(index.update(1, 0.0, 2.5));
  EXPECT_FALSE(index.erase(1, 0.0));
  EXPECT_TRUE(index.update(1, 2.5, 0.0));
  EXPECT_TRUE(index.erase(1, -0.0));
  EXPECT_TRUE(index.empty());
}

TEST(ScoreIndex, VisitStopsWhenItIsTold) {
  ScoreIndex index;
  EXPECT_FALSE(index.for_each_candidate(5, [](double) { return true; }));
  for (int i = 0; i < 3; i++) index.insert(5, i);
  int visits = 0;
  EXPECT_TRUE(index.for_each_candidate(5, [&](double) { return ++visits == 2; }));
  EXPECT_EQ(visits, 2);
}

TEST(ScoreIndex, EqualHashesDoNoHarm) {
  ScoreIndex index;
  uint64_t const hash = 0x123456789ABCDEF0;
  for (int i = 0; i < 3000; i++) index.insert(hash, i);
  EXPECT_EQ(candidates(index, hash).size(), 3000u);
  for (int i = 0; i < 3000; i++) ASSERT_TRUE(index.erase(hash, i));
  EXPECT_EQ(index.memory_bytes(), 0u);
}

TEST(ScoreIndex, MemoryPerMemberIsWithinTheTarget) {
  std::mt19937_64 random(3);
  ScoreIndex index;
  size_t next_check = 1000;
  for (size_t i = 1; i <= 300'000; i++) {
    index.insert(random(), 1.5);
    if (i != next_check) continue;
    next_check += next_check / 4;
    EXPECT_LE(static_cast<double>(index.memory_bytes()) / static_cast<double>(i), 14.5) << i;
  }
}

TEST(ScoreIndex, FrozenHandlesAreReadOnOtherThreads) {
  std::mt19937_64 random(4);
  std::vector<uint64_t> hashes(5000);
  ScoreIndex index;
  for (uint64_t& hash : hashes) index.insert(hash = random(), 1);
  for (int round = 1; round <= 10; round++) {
    std::thread reader([frozen = index.freeze(), &hashes, round] {
      size_t found = 0;
      for (uint64_t hash : hashes)
        found += frozen.for_each_candidate(hash, [&](double score) { return score <= round; });
      EXPECT_EQ(found, hashes.size());
    });
    for (int i = 0; i < 2000; i++) {
      uint64_t const hash = hashes[random() % hashes.size()];
      double before = 0;
      index.for_each_candidate(hash, [&](double score) {
        before = score;
        return true;
      });
      ASSERT_TRUE(index.update(hash, before, round + 1));
    }
    reader.join();
  }
}

}  // namespace
}  // namespace holdfast
