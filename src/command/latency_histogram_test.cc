#include "command/latency_histogram.h"

#include <gtest/gtest.h>

#include <string>


namespace holdfast {
namespace {

LatencyDistribution distribution(std::initializer_list<uint64_t> nanoseconds) {
  LatencyHistogram histogram;
  for (uint64_t each : nanoseconds) histogram.record(each);
  std::vector<uint64_t> slots(LatencyHistogram::kSlots);
  histogram.add_to(slots);
  return LatencyDistribution(std::move(slots));
}

std::string steps(std::initializer_list<uint64_t> nanoseconds) {
  std::string text;
  for (auto const& step : distribution(nanoseconds).cumulative()) {
    text += std::to_string(step.microseconds) + ":" + std::to_string(step.calls) + " ";
  }
  return text;
}

TEST(LatencyHistogram, every_value_lies_in_its_slot) {
  for (uint64_t value = 1; value <= LatencyHistogram::kLongestNanoseconds; value += 1 + value / 77) {
    size_t const slot = LatencyHistogram::slot_of(value);
    ASSERT_LT(slot, LatencyHistogram::kSlots);
    EXPECT_LE(LatencyHistogram::lowest_of(slot), value);
    EXPECT_GE(LatencyHistogram::highest_of(slot), value);
    if (slot > 0) {
      EXPECT_EQ(LatencyHistogram::highest_of(slot - 1) + 1, LatencyHistogram::lowest_of(slot));
    }
    EXPECT_LE((LatencyHistogram::highest_of(slot) - LatencyHistogram::lowest_of(slot)) * 128, value);
  }
}

TEST(LatencyDistribution, calls_within_a_time_and_the_time_of_all) {
  LatencyDistribution const calls = distribution({1'000, 2'000, 3'000'000, 5'000'000'000});
  EXPECT_EQ(calls.calls_within(999), 0u);
  EXPECT_EQ(calls.calls_within(1'010), 1u);
  EXPECT_EQ(calls.calls_within(3'100'000), 3u);
  EXPECT_EQ(calls.calls_within(LatencyHistogram::kLongestNanoseconds), 4u) << "what took longer counts as that";
  EXPECT_NEAR(calls.total_seconds(), 1.003003, 0.01);
}

// The figures of this test are those of redis-server 7.0.15 for the same times.
TEST(LatencyHistogram, percentiles_are_those_of_redis) {
  auto const one = distribution({5'000});
  EXPECT_EQ(one.percentile(50), 5'023u);
  EXPECT_EQ(one.percentile(0), 4'992u);
  EXPECT_EQ(one.percentile(100), 5'023u);
  EXPECT_EQ(distribution({2'000}).percentile(99.9), 2'007u);
  EXPECT_EQ(distribution({26'100}).percentile(50), 26'111u);
  EXPECT_EQ(distribution({1'500'000'000}).percentile(50), 1'002'438'655u);
  auto const many = distribution({1'000, 2'000, 3'000, 4'000});
  EXPECT_EQ(many.percentile(50), 2'007u);
  EXPECT_EQ(many.percentile(51), 2'007u);
  EXPECT_EQ(many.percentile(70), 3'007u);
  EXPECT_EQ(many.percentile(99), 4'015u);
}

TEST(LatencyHistogram, steps_double_and_only_those_that_grow_are_shown) {
  EXPECT_EQ(steps({}), "");
  EXPECT_EQ(steps({0}), "1:1 ");
  EXPECT_EQ(steps({1'031, 1'032, 2'063, 2'064}), "1:1 2:3 4:4 ");
  EXPECT_EQ(steps({5'000, 5'000, 70'000, 30'000'000}), "8:2 132:3 33816:4 ");
  EXPECT_EQ(steps({500'000'000, 541'000'000, 600'000'000, 5'000'000'000}), "541065:2 1073741:4 ");
}

TEST(LatencyHistogram, a_reset_forgets_all) {
  LatencyHistogram histogram;
  for (uint64_t each : {1u, 1'000u, 1'000'000u}) histogram.record(each);
  histogram.reset();
  histogram.record(300);
  std::vector<uint64_t> slots(LatencyHistogram::kSlots);
  histogram.add_to(slots);
  EXPECT_EQ(LatencyDistribution(slots).calls(), 1u);
  EXPECT_EQ(LatencyDistribution(slots).percentile(50), 301u);
}

}  // namespace
}  // namespace holdfast
