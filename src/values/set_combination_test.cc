#include "values/set_combination.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

using Texts = std::set<std::string>;

class SetCombinationTest : public testing::Test {
 protected:
  DetachedValue made(Texts const& texts) const {
    SetBuilder builder(context_);
    for (std::string const& text : texts) builder.editor().add(text);
    return *builder.finish();
  }

  /// The combination, found in steps of `step`.
  Texts combined(SetOperation operation, std::vector<DetachedValue> const& values, size_t step) const {
    std::vector<SetReader> sets;
    for (DetachedValue const& value : values) sets.emplace_back(value.view());
    SetCombination combination(operation, std::move(sets), hasher_);
    Texts found;
    packed::TextScratch scratch;
    auto const visit = [&](packed::Element const& member) {
      EXPECT_TRUE(found.emplace(member.as_text(scratch)).second) << member.as_text(scratch);
      return true;
    };
    while (combination.step(step, visit)) continue;
    return found;
  }

  static Texts expected(SetOperation operation, std::vector<Texts> const& sets) {
    Texts result = sets[0];
    for (size_t i = 1; i < sets.size(); i++) {
      Texts const left = std::move(result);
      result.clear();
      auto const out = std::inserter(result, result.end());
      switch (operation) {
        case SetOperation::kIntersection:
          std::ranges::set_intersection(left, sets[i], out);
          break;
        case SetOperation::kUnion:
          std::ranges::set_union(left, sets[i], out);
          break;
        case SetOperation::kDifference:
          std::ranges::set_difference(left, sets[i], out);
          break;
      }
    }
    return result;
  }

  /// Of any form; members of different sets are often the same.
  static Texts random_texts(Random& random) {
    Texts texts;
    uint64_t const size = 1 + random.below(random.below(3) == 0 ? 3000 : 100);
    bool const integers = random.below(3) == 0;
    for (uint64_t i = 0; i < size; i++) {
      std::string const number = std::to_string(random.below(2 * size));
      texts.insert(integers || random.below(2) == 0 ? number : "member " + number);
    }
    return texts;
  }

  KeyHasher hasher_{1};
  ValueLimits limits_;
  ValueContext context_{hasher_, limits_};
};

TEST_F(SetCombinationTest, FindsWhatAModelFinds) {
  Random random(3);
  for (int round = 0; round < 200; round++) {
    std::vector<Texts> sets(1 + random.below(random.below(4) == 0 ? 12 : 4));
    for (Texts& set : sets) set = random_texts(random);
    if (sets.size() > 2 && random.below(4) == 0) sets[1] = sets[0];
    std::vector<DetachedValue> values;
    for (Texts const& set : sets) values.push_back(made(set));
    size_t const step = random.below(2) == 0 ? SIZE_MAX : 1 + random.below(200);
    for (SetOperation operation : {SetOperation::kIntersection, SetOperation::kUnion, SetOperation::kDifference}) {
      ASSERT_EQ(combined(operation, values, step), expected(operation, sets)) << round;
    }
  }
}

TEST_F(SetCombinationTest, WithoutSetsThereIsNothing) {
  for (SetOperation operation : {SetOperation::kIntersection, SetOperation::kUnion, SetOperation::kDifference}) {
    EXPECT_TRUE(combined(operation, {}, 10).empty());
  }
}

TEST_F(SetCombinationTest, StopsWhenItIsTold) {
  DetachedValue const value = made({"1", "2", "3", "4"});
  SetCombination combination(SetOperation::kIntersection, {SetReader(value.view()), SetReader(value.view())}, hasher_);
  int count = 0;
  EXPECT_FALSE(combination.step(SIZE_MAX, [&](packed::Element const&) { return ++count < 2; }));
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace holdfast
