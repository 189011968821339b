#include "server/push_delay.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(PushDelay, ManyReceiversWaitForInputThatIsReadyButNotForLong) {
  EXPECT_TRUE(pushes_wait(100, true, 0));
  EXPECT_TRUE(pushes_wait(100, true, 499));
  EXPECT_FALSE(pushes_wait(100, true, 500));
  EXPECT_FALSE(pushes_wait(100, true, 1'000'000));
}

TEST(PushDelay, NobodyWaitsOnAServerThatHasTime) { EXPECT_FALSE(pushes_wait(10'000, false, 0)); }

TEST(PushDelay, FewReceiversNeverWait) {
  EXPECT_FALSE(pushes_wait(1, true, 0));
  EXPECT_FALSE(pushes_wait(15, true, 0));
  EXPECT_TRUE(pushes_wait(16, true, 0));
}

}  // namespace
}  // namespace holdfast
