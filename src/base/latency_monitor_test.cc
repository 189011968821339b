#include "base/latency_monitor.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;  // ns

class HandClock final : public Clock {
 public:
  int64_t unix_us() const override { return us; }
  int64_t monotonic_us() const override { return us; }
  int64_t us = 100'000'000;
};

class LatencyMonitorTest : public testing::Test {
 protected:
  HandClock clock_;
  LatencyMonitor monitor_{clock_};
};

TEST_F(LatencyMonitorTest, nothing_is_late_while_it_is_off) {
  monitor_.note("command", 1'000'000 * kMillisecond);
  { LatencyTimer timer(&monitor_, "command"); }
  EXPECT_TRUE(monitor_.events().empty());
  monitor_.set_threshold_ms(3);
  monitor_.note("command", 3 * kMillisecond - 1);
  EXPECT_TRUE(monitor_.events().empty());
  monitor_.note("command", 3 * kMillisecond);
  EXPECT_EQ(monitor_.events().size(), 1u);
}

TEST_F(LatencyMonitorTest, a_second_keeps_its_longest) {
  monitor_.set_threshold_ms(1);
  monitor_.note("command", 5 * kMillisecond);
  monitor_.note("command", 9 * kMillisecond);
  monitor_.note("command", 7 * kMillisecond);
  clock_.us += 1'000'000;
  monitor_.note("command", 2 * kMillisecond);
  auto const event = monitor_.event("command");
  ASSERT_EQ(event.samples.size(), 2u);
  EXPECT_EQ(event.samples[0].unix_s, 100);
  EXPECT_EQ(event.samples[0].ms, 9);
  EXPECT_EQ(event.samples[1].unix_s, 101);
  EXPECT_EQ(event.samples[1].ms, 2);
  EXPECT_EQ(event.longest_ms, 9);
}

TEST_F(LatencyMonitorTest, the_oldest_samples_go_and_the_longest_is_remembered) {
  monitor_.set_threshold_ms(1);
  for (size_t i = 0; i < LatencyMonitor::kSamplesMax + 40; i++) {
    monitor_.note("command", (i == 0 ? 500 : i) * kMillisecond);
    clock_.us += 1'000'000;
  }
  auto const event = monitor_.event("command");
  ASSERT_EQ(event.samples.size(), LatencyMonitor::kSamplesMax);
  EXPECT_EQ(event.samples.front().unix_s, 140);
  EXPECT_EQ(event.samples.back().unix_s, 299);
  EXPECT_EQ(event.longest_ms, 500);
}

TEST_F(LatencyMonitorTest, reset_forgets_what_is_named_or_all) {
  monitor_.set_threshold_ms(1);
  for (std::string_view name : {"a", "b", "c"}) monitor_.note(name, kMillisecond);
  std::string_view const names[] = {"a", "missing"};
  EXPECT_EQ(monitor_.reset(names), 1u);
  EXPECT_TRUE(monitor_.event("a").samples.empty());
  EXPECT_EQ(monitor_.reset({}), 2u);
  EXPECT_TRUE(monitor_.events().empty());
}

TEST_F(LatencyMonitorTest, a_timer_measures_its_scope) {
  monitor_.set_threshold_ms(2);
  {
    LatencyTimer timer(&monitor_, "aof-rename");
    clock_.us += 4'500;
  }
  { LatencyTimer nobody(nullptr, "aof-rename"); }
  EXPECT_EQ(monitor_.event("aof-rename").longest_ms, 4);
}

}  // namespace
}  // namespace holdfast
