#include "command/pause.h"

#include <gtest/gtest.h>

#include "keyspace/keyspace.h"
#include "memory/lazy_free.h"

namespace holdfast {
namespace {

class PauseTest : public testing::Test {
 protected:
  LazyFree lazy_free_;
  Keyspace keyspace_{{.partitions = 1, .databases = 1, .hash_seed = 7}, lazy_free_};
  Pause pause_{keyspace_};
};

TEST_F(PauseTest, a_later_pause_of_writes_does_not_bring_back_an_ended_pause_of_all) {
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 1300);
  EXPECT_EQ(pause_.mode(1299), Pause::Mode::kAll);
  EXPECT_EQ(pause_.mode(1300), Pause::Mode::kNone);
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kWrite, 1400, 9000);
  EXPECT_EQ(pause_.mode(1500), Pause::Mode::kWrite);
}

TEST_F(PauseTest, a_pause_of_the_same_purpose_only_raises) {
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 5000);
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kWrite, 1100, 2000);
  EXPECT_EQ(pause_.mode(4999), Pause::Mode::kAll);
  pause_.stop(Pause::Purpose::kClient);
  EXPECT_EQ(pause_.mode(1200), Pause::Mode::kNone);
}

TEST_F(PauseTest, the_strictest_mode_and_the_latest_end_of_all_purposes_count) {
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kAll, 1000, 2000);
  pause_.start(Pause::Purpose::kShutdown, Pause::Mode::kWrite, 1000, 3000);
  EXPECT_EQ(pause_.mode(1500), Pause::Mode::kAll);
  EXPECT_EQ(pause_.mode(2500), Pause::Mode::kWrite);
  pause_.stop(Pause::Purpose::kShutdown);
  EXPECT_EQ(pause_.mode(2500), Pause::Mode::kNone);
}

TEST_F(PauseTest, as_long_as_any_lasts_the_key_space_stays_as_it_is) {
  EXPECT_FALSE(keyspace_.stays_unchanged(1000));
  pause_.start(Pause::Purpose::kClient, Pause::Mode::kWrite, 1000, 2000);
  pause_.start(Pause::Purpose::kFailover, Pause::Mode::kAll, 1000, 3000);
  EXPECT_TRUE(keyspace_.stays_unchanged(2999));
  EXPECT_FALSE(keyspace_.stays_unchanged(3000));
  pause_.stop(Pause::Purpose::kFailover);
  EXPECT_TRUE(keyspace_.stays_unchanged(1999));
  EXPECT_FALSE(keyspace_.stays_unchanged(2000));
}

}  // namespace
}  // namespace holdfast
