#include "structures/score_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

using Model = std::set<std::pair<double, std::string>>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void verify(ScoreTree const& tree) {
  tree.tree().verify([](bool holds) { ASSERT_TRUE(holds); });
}

void expect_same(ScoreTree const& tree, Model const& model) {
  ASSERT_EQ(tree.size(), model.size());
  ScoreTree::Cursor at = tree.first();
  for (auto const& [score, member] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(at.score(), score);
    ASSERT_EQ(at.member(), member);
    ASSERT_TRUE(tree.contains(score, member));
    at.next();
  }
  ASSERT_FALSE(at);
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    at.previous();
    ASSERT_TRUE(at);
    ASSERT_EQ(at.member(), it->second);
  }
}

/// What the shape of keys can be: how scores repeat, how long members are and how much of them is common.
struct Shape {
  char const* name;
  uint64_t scores;      // how many there are
  uint64_t members;     // how many there are
  size_t common_bytes;  // at the beginning of each member
  bool with_long;       // some members of up to 3000 bytes
};

class ScoreTreeShapes : public testing::TestWithParam<Shape> {
 protected:
  std::string member() {
    uint64_t const number = random_.below(GetParam().members);
    std::string text = std::string(GetParam().common_bytes, 'c') + std::to_string(number * 7919 % GetParam().members);
    if (GetParam().with_long && number % 50 == 0) text.append(number % 3000, 'x');
    if (number == 1) text.clear();
    return text;
  }
  double score() {
    uint64_t const number = random_.below(GetParam().scores);
    if (number == 3) return kInfinity;
    if (number == 4) return -kInfinity;
    return (static_cast<double>(number) - 5) / 3;
  }
  Random random_{7};
};

TEST_P(ScoreTreeShapes, RandomOperationsAsAnOrderedSet) {
  ScoreTree tree;
  Model model;
  std::vector<std::pair<ScoreTree, Model>> frozen;
  constexpr int kSteps = 120'000;
  for (int step = 0; step < kSteps; step++) {
    double const at_score = score();
    std::string const at_member = member();
    bool const growing = step / (kSteps / 4) % 2 == 0;
    uint64_t const what = random_.below(20);
    if (what < (growing ? 11u : 4u)) {
      ASSERT_EQ(tree.insert(at_score, at_member), model.emplace(at_score, at_member).second);
    } else if (what < 15) {
      auto it = model.lower_bound({at_score, at_member});
      if (it == model.end()) continue;
      ASSERT_EQ(tree.contains(at_score, at_member), model.contains({at_score, at_member}));
      ASSERT_TRUE(tree.erase(it->first, it->second));
      ASSERT_FALSE(tree.contains(it->first, it->second));
      model.erase(it);
    } else if (what == 15) {
      auto it = model.lower_bound({at_score, at_member});
      if (it == model.end()) continue;
      double const to = random_.below(2) == 0 ? at_score : std::nextafter(it->first, 0);
      if (model.contains({to, it->second})) continue;
      tree.move(tree.find(it->first, it->second), it->second, to);
      model.emplace(to, it->second);
      model.erase(it);
    } else if (what == 16) {
      ASSERT_EQ(tree.erase(at_score, at_member), model.erase({at_score, at_member}) == 1);
    }
    if (step % 9'973 == 0) {
      ASSERT_NO_FATAL_FAILURE(verify(tree));
      ASSERT_NO_FATAL_FAILURE(expect_same(tree, model));
      frozen.emplace_back(tree.freeze(), model);
      ASSERT_EQ(frozen.back().first.memory_bytes(), tree.memory_bytes());
      if (frozen.size() == 3) {
        size_t const index = random_.below(3);
        ASSERT_NO_FATAL_FAILURE(verify(frozen[index].first));
        ASSERT_NO_FATAL_FAILURE(expect_same(frozen[index].first, frozen[index].second));
        frozen.erase(frozen.begin() + static_cast<ptrdiff_t>(index));
      }
    }
  }
  ASSERT_NO_FATAL_FAILURE(expect_same(tree, model));
  // The handles go in another order than they came; the last one still has all it had.
  if (frozen.size() == 2) frozen.erase(frozen.begin());
  tree = ScoreTree();
  for (auto const& [handle, content] : frozen) ASSERT_NO_FATAL_FAILURE(expect_same(handle, content));
}

TEST_P(ScoreTreeShapes, RangesAndRanksAsCountedByTheModel) {
  ScoreTree tree;
  Model model;
  for (int i = 0; i < 20'000; i++) {
    double const at_score = score();
    std::string const at_member = member();
    tree.insert(at_score, at_member);
    model.emplace(at_score, at_member);
  }
  std::vector<std::pair<double, std::string>> const sorted(model.begin(), model.end());
  auto const count_while = [&sorted](auto below) {
    return static_cast<uint64_t>(std::partition_point(sorted.begin(), sorted.end(), below) - sorted.begin());
  };
  for (int i = 0; i < 2'000; i++) {
    double const bound = score() + (random_.below(2) == 0 ? 0.1 : 0);
    uint64_t const below = count_while([bound](auto const& pair) { return pair.first < bound; });
    uint64_t const not_over = count_while([bound](auto const& pair) { return pair.first <= bound; });
    ASSERT_EQ(tree.range_begin(ScoreBound{bound}).rank(), below);
    ASSERT_EQ(tree.range_begin(ScoreBound{bound, true}).rank(), not_over);
    ASSERT_EQ(tree.range_end(ScoreBound{bound}).rank(), not_over);
    ASSERT_EQ(tree.range_end(ScoreBound{bound, true}).rank(), below);

    uint64_t const rank = random_.below(sorted.size());
    ASSERT_EQ(tree.rank(sorted[rank].first, sorted[rank].second), rank);
    ASSERT_EQ(tree.at(rank).member(), sorted[rank].second);
    ASSERT_EQ(tree.at(rank).rank(), rank);
    ASSERT_FALSE(tree.rank(sorted[rank].first, sorted[rank].second + "\1"));
  }
  while (!model.empty()) {
    RankRange range{random_.below(model.size()), 0};
    range.last = std::min<uint64_t>(model.size(), range.first + 1 + random_.below(random_.below(2) == 0 ? 50 : 5'000));
    tree.erase_range(range);
    model.erase(std::next(model.begin(), static_cast<ptrdiff_t>(range.first)),
                std::next(model.begin(), static_cast<ptrdiff_t>(range.last)));
    ASSERT_NO_FATAL_FAILURE(verify(tree));
    ASSERT_EQ(tree.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(tree.last().member(), model.rbegin()->second);
    }
  }
  EXPECT_EQ(tree.memory_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Keys, ScoreTreeShapes,
                         testing::Values(Shape{"few_scores", 50, 20'000, 0, false},
                                         Shape{"one_score", 1, 30'000, 0, false},
                                         Shape{"one_score_common_beginning", 1, 30'000, 40, false},
                                         Shape{"many_scores", 1'000'000, 50, 3, false},
                                         Shape{"long_members", 200, 5'000, 0, true},
                                         Shape{"long_common_beginning", 2, 3'000, 700, true}),
                         [](auto const& shape) { return std::string(shape.param.name); });

TEST(ScoreTree, LexRangesOfOneScore) {
  ScoreTree tree;
  for (std::string const member : {"a", "b", "c", "d", "e", "f"}) tree.insert(1.5, member);
  using enum LexBound::Kind;
  auto const ranks = [&tree](LexBound min, LexBound max) {
    RankRange const range = tree.range(min, max);
    return std::pair(range.first, range.last);
  };
  EXPECT_EQ(ranks({kMin}, {kMax}), std::pair(uint64_t{0}, uint64_t{6}));
  EXPECT_EQ(ranks({kInclusive, "b"}, {kInclusive, "d"}), std::pair(uint64_t{1}, uint64_t{4}));
  EXPECT_EQ(ranks({kExclusive, "b"}, {kExclusive, "d"}), std::pair(uint64_t{2}, uint64_t{3}));
  EXPECT_EQ(ranks({kInclusive, "bb"}, {kMax}), std::pair(uint64_t{2}, uint64_t{6}));
  EXPECT_EQ(ranks({kMin}, {kExclusive, "bb"}), std::pair(uint64_t{0}, uint64_t{2}));
  EXPECT_TRUE(tree.range(LexBound{kMax}, LexBound{kMin}).empty());
  EXPECT_TRUE(tree.range(LexBound{kInclusive, "e"}, LexBound{kInclusive, "b"}).empty());
  EXPECT_TRUE(ScoreTree().range(LexBound{kMin}, LexBound{kMax}).empty());
}

TEST(ScoreTree, ScoreRangesWithInfiniteEnds) {
  ScoreTree tree;
  for (double const score : {-kInfinity, -1.0, 0.0, 1.0, kInfinity}) tree.insert(score, "m");
  EXPECT_EQ(tree.range(ScoreBound{-kInfinity}, ScoreBound{kInfinity}).size(), 5u);
  EXPECT_EQ(tree.range(ScoreBound{-kInfinity, true}, ScoreBound{kInfinity, true}).size(), 3u);
  EXPECT_EQ(tree.range(ScoreBound{0, true}, ScoreBound{kInfinity}).size(), 2u);
  EXPECT_EQ(tree.range(ScoreBound{-0.0}, ScoreBound{0}).size(), 1u);
  EXPECT_TRUE(tree.range(ScoreBound{0, true}, ScoreBound{0, true}).empty());
  EXPECT_TRUE(tree.range(ScoreBound{1}, ScoreBound{-1}).empty());
}

TEST(ScoreTree, NegativeZeroIsKeptAndEqualToZero) {
  ScoreTree tree;
  EXPECT_TRUE(tree.insert(-0.0, "m"));
  EXPECT_FALSE(tree.insert(0.0, "m"));
  EXPECT_TRUE(tree.contains(0.0, "m"));
  EXPECT_TRUE(std::signbit(tree.first().score()));
}

std::string ten_bytes(uint64_t number) {
  std::string const digits = std::to_string(number);
  return std::string(10 - digits.size(), '0') + digits;
}
TEST_P(ScoreTreeShapes, AreDrainedAsTheyWereWhileTheyAreWritten) {
  CopyBudget budget;
  for (int round = 0; round < 4; round++) {
    ScoreTree tree;
    Model model;
    for (int i = 0; i < 8'000; i++) {
      double const at_score = score();
      std::string const at_member = member();
      tree.insert(at_score, at_member);
      model.emplace(at_score, at_member);
    }
    Model const then = model;
    ScoreTree const other = tree.freeze();
    Model drained;
    {
      ScoreTree frozen = tree.freeze_for_drain(budget);
      ScoreTree const later = tree.freeze();
      bool const give_up = round == 3;
      ScoreTree::Drain drain(frozen, round % 2 ? ScoreTree::Drain::From::kLowest : ScoreTree::Drain::From::kHighest);
      for (int step = 0; drain.next(); step++) {
        ASSERT_TRUE(drained.emplace(drain.score(), drain.member()).second);
        if (step % 1'000 == 0) {
          ASSERT_NO_FATAL_FAILURE(verify(frozen));
        }
        if (give_up && step == 500) break;
        if (step % 3 != 0) continue;
        double const at_score = score();
        std::string const at_member = member();
        auto it = model.lower_bound({at_score, at_member});
        switch (it == model.end() ? 0 : random_.below(4)) {
          case 0:
            tree.insert(at_score, at_member);
            model.emplace(at_score, at_member);
            break;
          case 1:
            tree.erase(it->first, it->second);
            model.erase(it);
            break;
          case 2: {
            double const to = std::nextafter(it->first, 0);
            if (model.contains({to, it->second})) break;
            tree.move(tree.find(it->first, it->second), it->second, to);
            model.emplace(to, it->second);
            model.erase(it);
            break;
          }
          default: {
            uint64_t const first = random_.below(tree.size());
            uint64_t const last = std::min(tree.size(), first + random_.below(4));
            tree.erase_range({first, last});
            auto const begin = std::next(model.begin(), static_cast<ptrdiff_t>(first));
            model.erase(begin, std::next(begin, static_cast<ptrdiff_t>(last - first)));
          }
        }
      }
      if (!give_up) {
        ASSERT_EQ(drained, then);
        EXPECT_TRUE(frozen.empty());
        EXPECT_EQ(frozen.memory_bytes(), 0u);
        EXPECT_EQ(budget.bytes(), 0u);
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(later, then));
    }
    EXPECT_EQ(budget.bytes(), 0u);
    ASSERT_NO_FATAL_FAILURE(verify(tree));
    ASSERT_NO_FATAL_FAILURE(expect_same(tree, model));
    ASSERT_NO_FATAL_FAILURE(expect_same(other, then));
  }
}

TEST(ScoreTree, ADrainLetsGoOfEachLeafAndBeginsWithThoseThatWereCopied) {
  CopyBudget budget;
  ScoreTree tree;
  for (uint64_t i = 0; i < 50'000; i++) tree.append(static_cast<double>(i), ten_bytes(i));
  ScoreTree frozen = tree.freeze_for_drain(budget);
  size_t const all_bytes = frozen.memory_bytes();
  EXPECT_EQ(all_bytes, tree.memory_bytes());
  std::vector<double> const touched = {1'000.5, 9'000.5, 25'000.5, 40'000.5};  // far apart: no two in one leaf
  for (double at : touched) {
    tree.insert(at, "new");
    tree.insert(at, "newer");
  }
  ScoreTree::Drain drain(frozen, ScoreTree::Drain::From::kHighest);
  size_t const copied_bytes = budget.bytes();
  EXPECT_GE(copied_bytes, 4 * kChunkBytesMax * 3 / 4);
  EXPECT_LE(copied_bytes, 4 * kChunkBytesMax);
  for (; drain.next() && budget.bytes() > 0;) {
  }
  for (double at : touched) {
    ScoreTree::Cursor const left = frozen.range_begin(ScoreBound{at});
    ASSERT_TRUE(left);
    EXPECT_GT(left.score(), at + 1) << "its leaf is gone";
  }
  EXPECT_LE(frozen.memory_bytes(), all_bytes - copied_bytes);
  EXPECT_GE(frozen.memory_bytes(), all_bytes / 2);
  // What was let go is the live handle's own: a write there copies nothing.
  EXPECT_GT(drain.score(), 49'000);
  tree.insert(1'000.75, "newest");
  EXPECT_EQ(budget.bytes(), 0u);
  size_t bytes = frozen.memory_bytes();
  while (drain.next()) {
    ASSERT_LE(frozen.memory_bytes(), bytes);
    bytes = frozen.memory_bytes();
  }
  EXPECT_EQ(bytes, 0u);
}

TEST(ScoreTree, IsDrainedOnAnotherThreadWhileItIsWritten) {
  Random random(6);
  CopyBudget budget;
  ScoreTree tree;
  for (uint64_t i = 0; i < 5'000; i++) tree.insert(random.unit(), ten_bytes(i));
  for (uint64_t round = 1; round <= 10; round++) {
    std::thread reader([frozen = tree.freeze_for_drain(budget), size = tree.size(), round]() mutable {
      Model drained;
      ScoreTree::Drain drain(frozen, ScoreTree::Drain::From::kHighest);
      while (drain.next()) {
        EXPECT_LT(std::stoull(std::string(drain.member())), round * 5'000);
        EXPECT_TRUE(drained.emplace(drain.score(), drain.member()).second);
      }
      EXPECT_EQ(drained.size(), size);
    });
    for (uint64_t i = 0; i < 2'000; i++) {
      tree.insert(random.unit(), ten_bytes(round * 5'000 + i) + std::string(i % 500 ? 0 : 2'000, 'z'));
      if (i % 2) tree.erase(tree.at(random.below(tree.size())));
    }
    reader.join();
    EXPECT_EQ(budget.bytes(), 0u);
  }
}

/// Bytes of an entry with a member of 10 bytes: slot 10, length 1, member 10.
constexpr double kEntryBytes = 21;

TEST(ScoreTree, SortedInputMakesFullLeaves) {
  ScoreTree ascending;
  ScoreTree descending;
  constexpr uint64_t kCount = 200'000;
  for (uint64_t i = 0; i < kCount; i++) {
    ASSERT_TRUE(ascending.append(static_cast<double>(i), ten_bytes(i)));
    ASSERT_TRUE(descending.insert(-static_cast<double>(i), ten_bytes(i)));
  }
  EXPECT_FALSE(ascending.append(1, ten_bytes(1)));
  EXPECT_TRUE(ascending.append(0.5, ten_bytes(1)));
  ASSERT_NO_FATAL_FAILURE(verify(ascending));
  EXPECT_LE(static_cast<double>(ascending.memory_bytes()) / kCount, kEntryBytes / 0.95);
  EXPECT_LE(static_cast<double>(descending.memory_bytes()) / kCount, kEntryBytes / 0.95);
}

TEST(ScoreTree, RandomInputFillsLeavesToMoreThanSevenTenths) {
  Random random(3);
  ScoreTree tree;
  constexpr uint64_t kCount = 200'000;
  for (uint64_t i = 0; i < kCount; i++) tree.insert(random.unit(), ten_bytes(i));
  EXPECT_LE(static_cast<double>(tree.memory_bytes()) / kCount, kEntryBytes / 0.8);
  // Half of them go, everywhere: neighbours are joined and blocks shrink.
  for (uint64_t i = 0; i < kCount / 2; i++) {
    tree.erase(tree.at(random.below(tree.size())));
  }
  ASSERT_NO_FATAL_FAILURE(verify(tree));
  EXPECT_LE(static_cast<double>(tree.memory_bytes()) / static_cast<double>(tree.size()), kEntryBytes / 0.5);
}

TEST(ScoreTree, BytesOfBigMembersAreCounted) {
  ScoreTree tree;
  std::string const big(100'000, 'b');
  tree.insert(1, big);
  tree.insert(2, big);
  EXPECT_GE(tree.memory_bytes(), 200'000u);
  {
    ScoreTree frozen = tree.freeze();
    tree.erase(1, big);
    EXPECT_EQ(frozen.first().member(), big);
    EXPECT_GE(frozen.memory_bytes(), 200'000u);
  }
  EXPECT_GE(tree.memory_bytes(), 100'000u);
  EXPECT_LE(tree.memory_bytes(), 102'000u);
  EXPECT_EQ(tree.first().member(), big);
}

TEST(ScoreTree, FrozenHandlesAreReadOnOtherThreadsWhileTheWriterGoesOn) {
  Random random(5);
  ScoreTree tree;
  std::vector<std::thread> readers;
  uint64_t written = 0;
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 4'000; i++) {
      // The big members share their buffers between handles.
      tree.insert(static_cast<double>(random.below(1000)),
                  ten_bytes(written++) + std::string(i % 500 ? 0 : 2'000, 'z'));
    }
    readers.emplace_back([frozen = tree.freeze()] {
      uint64_t count = 0;
      uint64_t bytes = 0;
      double last = -1;
      for (ScoreTree::Cursor at = frozen.first(); at; at.next()) {
        EXPECT_GE(at.score(), last);
        last = at.score();
        bytes += at.member().size();
        count++;
      }
      EXPECT_EQ(count, frozen.size());
      EXPECT_GE(bytes, count * 10);
    });
    for (int i = 0; i < 2'000; i++) {
      tree.erase(tree.at(random.below(tree.size())));
    }
    tree.erase_range({tree.size() / 2, tree.size() / 2 + 300});
  }
  for (std::thread& reader : readers) reader.join();
  ASSERT_NO_FATAL_FAILURE(verify(tree));
  EXPECT_EQ(tree.size(), 8u * (4'000 - 2'000 - 300));
}

}  // namespace
}  // namespace holdfast
