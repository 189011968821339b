#include "command/pause.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Pause, a_later_pause_of_writes_does_not_bring_back_an_ended_pause_of_all) {
  Pause pause;
  pause.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 1300);
  EXPECT_EQ(pause.mode(1299), Pause::Mode::kAll);
  EXPECT_EQ(pause.mode(1300), Pause::Mode::kNone);
  pause.start(Pause::Purpose::kClient, Pause::Mode::kWrite, 1400, 9000);
  EXPECT_EQ(pause.mode(1500), Pause::Mode::kWrite);
}

TEST(Pause, a_pause_of_the_same_purpose_only_raises) {
  Pause pause;
  pause.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 5000);
  pause.start(Pause::Purpose::kClient, Pause::Mode::kWrite, 1100, 2000);
  EXPECT_EQ(pause.mode(4999), Pause::Mode::kAll);
  pause.stop(Pause::Purpose::kClient);
  EXPECT_EQ(pause.mode(1200), Pause::Mode::kNone);
}

TEST(Pause, the_strictest_mode_and_the_latest_end_of_all_purposes_count) {
  Pause pause;
  pause.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 2000);
  pause.start(Pause::Purpose::kShutdown, Pause::Mode::kWrite, 1000, 3000);
  EXPECT_EQ(pause.mode(1500), Pause::Mode::kAll);
  EXPECT_EQ(pause.mode(2500), Pause::Mode::kWrite);
  pause.stop(Pause::Purpose::kShutdown);
  EXPECT_EQ(pause.mode(2500), Pause::Mode::kNone);
}

}  // namespace
}  // namespace holdfast
