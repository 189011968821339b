#include "health/risk_clock.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace holdfast::health {
namespace {

TEST(RiskClockTest, nothing_unsafe_has_no_age) {
  RiskClock clock;
  EXPECT_EQ(clock.age_us(1000), 0);
  clock.look(7, 7, 1000);
  EXPECT_EQ(clock.age_us(5000), 0);
}

TEST(RiskClockTest, the_oldest_unsafe_part_counts) {
  RiskClock clock;
  clock.look(10, 0, 1000);
  clock.look(20, 0, 2000);
  EXPECT_EQ(clock.age_us(3000), 2000);
  clock.look(20, 9, 3000);  // a part of the first step is still unsafe
  EXPECT_EQ(clock.age_us(3000), 2000);
  clock.look(20, 10, 4000);
  EXPECT_EQ(clock.age_us(4000), 2000);
  clock.look(20, 20, 5000);
  EXPECT_EQ(clock.age_us(9000), 0);
}

TEST(RiskClockTest, a_count_that_stands_still_goes_on_aging) {
  RiskClock clock;
  clock.look(1, 0, 100);
  for (int64_t now = 200; now <= 1000; now += 100) clock.look(1, 0, now);
  EXPECT_EQ(clock.age_us(1000), 900);
}

TEST(RiskClockTest, reset_forgets) {
  RiskClock clock;
  clock.look(5, 0, 0);
  clock.reset();
  EXPECT_EQ(clock.age_us(100), 0);
}

TEST(RiskClockTest, many_steps_are_thinned_and_never_look_younger) {
  RiskClock clock;
  constexpr int64_t kSteps = 1'000'000;
  for (int64_t i = 1; i <= kSteps; i++) clock.look(static_cast<uint64_t>(i), 0, i);
  EXPECT_EQ(clock.age_us(kSteps), kSteps - 1);
  for (int64_t safe = 1; safe < kSteps; safe += 9973) {
    clock.look(kSteps, static_cast<uint64_t>(safe), kSteps);
    int64_t const true_age = kSteps - (safe + 1);
    EXPECT_GE(clock.age_us(kSteps), true_age) << safe;
    EXPECT_LE(clock.age_us(kSteps), true_age + kSteps / 1000) << safe;
  }
}

}  // namespace
}  // namespace holdfast::health
