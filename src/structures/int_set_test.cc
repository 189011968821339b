#include "structures/int_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/strings.h"
#include "structures/test_bytes.h"

namespace holdfast {
namespace {

std::string set_of(std::vector<int64_t> const& values) {
  IntSetBuilder builder;
  for (int64_t const value : values) builder.add(value);
  return builder.finish();
}

std::vector<int64_t> values_of(IntSetView set) {
  std::vector<int64_t> values;
  for (uint32_t i = 0; i < set.count(); ++i) values.push_back(set.nth(i));
  return values;
}

std::string inserted(std::string set, int64_t value) {
  auto const plan = IntSetInsert::plan(IntSetView(set), value);
  if (!plan) return set;
  set.resize(plan->bytes_after);
  EXPECT_EQ(plan->apply(set.data()), set.size());
  return set;
}

TEST(IntSet, BytesAreThoseOfRedis) {
  EXPECT_EQ(to_hex(set_of({300, 1, 2, 1})),
            "0200000003000000"
            "01000200"
            "2c01");
  EXPECT_EQ(to_hex(set_of({1, int64_t{1} << 40, -5})),
            "0800000003000000"
            "fbffffffffffffff"
            "0100000000000000"
            "0000000000010000");
  EXPECT_EQ(to_hex(set_of({})), "0200000000000000");
  EXPECT_EQ(to_hex(set_of({70000})),
            "0400000001000000"
            "70110100");
}

TEST(IntSet, TheWidthGrowsAtEitherEndAndNeverShrinks) {
  std::string set = set_of({-2, 3});
  EXPECT_EQ(IntSetView(set).width(), 2u);
  set = inserted(set, INT16_MAX + 1);
  EXPECT_EQ(IntSetView(set).width(), 4u);
  EXPECT_EQ(values_of(IntSetView(set)), (std::vector<int64_t>{-2, 3, 32768}));
  set = inserted(set, INT64_MIN);
  EXPECT_EQ(IntSetView(set).width(), 8u);
  EXPECT_EQ(values_of(IntSetView(set)), (std::vector<int64_t>{INT64_MIN, -2, 3, 32768}));
  set.resize(int_set_erase(set.data(), 0));
  EXPECT_EQ(IntSetView(set).width(), 8u);
  EXPECT_EQ(values_of(IntSetView(set)), (std::vector<int64_t>{-2, 3, 32768}));
  EXPECT_TRUE(IntSetView::validate(set, true));
}

TEST(IntSet, WidthsOfTheBounds) {
  EXPECT_EQ(int_set_width_for(INT16_MAX), 2u);
  EXPECT_EQ(int_set_width_for(INT16_MIN), 2u);
  EXPECT_EQ(int_set_width_for(INT16_MIN - 1), 4u);
  EXPECT_EQ(int_set_width_for(INT32_MAX), 4u);
  EXPECT_EQ(int_set_width_for(int64_t{INT32_MAX} + 1), 8u);
  EXPECT_EQ(int_set_width_for(int64_t{INT32_MIN} - 1), 8u);
}

TEST(IntSet, LooksUpValuesOutsideItsWidth) {
  std::string const set = set_of({-7, 0, 7});
  IntSetView const view(set);
  EXPECT_FALSE(view.contains(INT64_MAX));
  EXPECT_FALSE(view.contains(INT64_MIN));
  EXPECT_FALSE(view.contains(65536 + 7));
  EXPECT_EQ(view.lower_bound(INT64_MIN), 0u);
  EXPECT_EQ(view.lower_bound(INT64_MAX), 3u);
  EXPECT_EQ(view.index_of(7), 2u);
  EXPECT_TRUE(IntSetView(set_of({})).empty());
  EXPECT_FALSE(IntSetView(set_of({})).contains(0));
}

TEST(IntSet, ChangesAgreeWithAModel) {
  Random random(5);
  for (size_t round = 0; round < 60; ++round) {
    std::set<int64_t> model;
    auto bytes = std::make_unique<ExactBytes>(std::string_view(set_of({})));
    // Narrow values first, so that each width is grown out of.
    for (size_t step = 0; step < 4'000; ++step) {
      int const bits = step < 1000 ? 12 : step < 2000 ? 26 : 64;
      int64_t const value = static_cast<int64_t>(random.next()) >> (64 - bits) >> random.below(8);
      IntSetView const set(bytes->view());
      ASSERT_EQ(set.contains(value), model.contains(value));
      if (random.below(5) < (model.size() < 200 ? 3 : 1)) {
        auto const plan = IntSetInsert::plan(set, value);
        ASSERT_EQ(plan.has_value(), model.insert(value).second);
        if (plan) {
          auto grown = std::make_unique<ExactBytes>(plan->bytes_after);
          std::ranges::copy(set.bytes(), grown->data());
          ASSERT_EQ(plan->apply(grown->data()), plan->bytes_after);
          ASSERT_EQ(IntSetView(grown->view()).nth(plan->index), value);
          bytes = std::move(grown);
        }
      } else if (!model.empty()) {
        auto const index = static_cast<uint32_t>(random.below(model.size()));
        model.erase(set.nth(index));
        size_t const left = int_set_erase(bytes->data(), index);
        bytes = std::make_unique<ExactBytes>(bytes->view().substr(0, left));
      }
      IntSetView const now(bytes->view());
      ASSERT_EQ(now.count(), model.size());
      ASSERT_EQ(IntSetView::at(bytes->data()).size_bytes(), bytes->view().size());
      ASSERT_EQ(now.lower_bound(value), static_cast<uint32_t>(std::distance(model.begin(), model.lower_bound(value))));
      if (step % 128 == 0) {
        ASSERT_EQ(values_of(now), std::vector<int64_t>(model.begin(), model.end()));
        ASSERT_EQ(IntSetView::validate(bytes->view(), true), !model.empty());
      }
    }
  }
}

TEST(IntSet, ValidationRefusesWhatRedisRefuses) {
  EXPECT_TRUE(IntSetView::validate(bytes_of_hex("0200000003000000 010002002c01"), true));
  EXPECT_FALSE(IntSetView::validate(bytes_of_hex("0200000000000000"), false)) << "no value";
  EXPECT_FALSE(IntSetView::validate(bytes_of_hex("0300000001000000 010000"), false)) << "width";
  EXPECT_FALSE(IntSetView::validate(bytes_of_hex("0200000002000000 0100"), false)) << "size";
  EXPECT_FALSE(IntSetView::validate(bytes_of_hex("02000000ffffffff 0100"), false)) << "size";
  EXPECT_FALSE(IntSetView::validate(bytes_of_hex("0200000002000000 01000100"), true)) << "a value twice";
  std::string const unordered = bytes_of_hex("0200000003000000 050001000200");
  EXPECT_TRUE(IntSetView::validate(unordered, false));
  EXPECT_FALSE(IntSetView::validate(unordered, true));
  for (size_t size = 0; size < 8; ++size) EXPECT_FALSE(IntSetView::validate(std::string(size, '\2'), false));
}

TEST(IntSet, DamagedSetsAreRefusedOrSafeToRead) {
  Random random(6);
  size_t accepted = 0;
  for (size_t round = 0; round < 50'000; ++round) {
    std::vector<int64_t> values(1 + random.below(12));
    for (int64_t& value : values) value = random_integer(random);
    ExactBytes const bytes((std::string_view(damaged(set_of(values), random))));
    if (!IntSetView::validate(bytes.view(), true)) continue;
    ++accepted;
    IntSetView const set(bytes.view());
    std::vector<int64_t> const read = values_of(set);
    ASSERT_TRUE(std::ranges::is_sorted(read));
    for (int64_t const value : read) ASSERT_TRUE(set.contains(value));
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace holdfast
