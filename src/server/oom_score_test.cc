#include "server/oom_score.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using config::OomScoreAdj;

TEST(OomScoreTest, is_added_to_what_was_there_or_replaces_it_within_what_the_kernel_takes) {
  EXPECT_EQ(oom_score(OomScoreAdj::kRelative, 100, 50), 150);
  EXPECT_EQ(oom_score(OomScoreAdj::kAbsolute, 100, 50), 50);
  EXPECT_EQ(oom_score(OomScoreAdj::kRelative, 100, 2000), 1000);
  EXPECT_EQ(oom_score(OomScoreAdj::kAbsolute, 0, -2000), -1000);
}

}  // namespace
}  // namespace holdfast
