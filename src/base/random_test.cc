#include "base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace holdfast {
namespace {

TEST(Random, IsReproducibleFromItsSeed) {
  Random a(5);
  Random b(5);
  Random c(6);
  uint64_t const first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Random, BelowIsUniformWithinItsBound) {
  Random random(11);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60000; ++i) ++seen[random.below(6)];
  for (int const count : seen) EXPECT_NEAR(count, 10000, 500);
  EXPECT_EQ(random.below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.below((uint64_t{1} << 63) + 1), (uint64_t{1} << 63) + 1);
}

TEST(Random, UnitIsInTheHalfOpenInterval) {
  Random random(3);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    double const x = random.unit();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

TEST(Random, HexHasTheAskedLength) {
  Random random(1);
  std::string const id = random.hex(40);
  EXPECT_EQ(id.size(), 40u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  std::string const kernel = system_random_hex(40);
  EXPECT_EQ(kernel.size(), 40u);
  EXPECT_EQ(kernel.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(kernel, system_random_hex(40));
  EXPECT_NE(system_random_u64(), system_random_u64());
}

}  // namespace
}  // namespace holdfast
