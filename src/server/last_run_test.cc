#include "server/last_run.h"

#include <gtest/gtest.h>

#include "disk/faulty_disk.h"

namespace holdfast {
namespace {

LastRun::DataNames const kNames{"dump.rdb", "appendonlydir"};

class LastRunTest : public testing::Test {
 protected:
  LastRunTest() {
    for (char const* directory : {"/data", "/data/old", "/data/new"}) EXPECT_TRUE(disk_.make_directory(directory));
  }
  LastRun last(std::string instance = "port 6379") { return LastRun(disk_, "/state/holdfast", std::move(instance)); }
  FaultyDisk disk_;
};

TEST_F(LastRunTest, warns_when_the_data_of_the_last_run_is_elsewhere) {
  disk_.put("/data/old/dump.rdb", "x");
  EXPECT_FALSE(last().warning("/data/new", kNames));
  last().remember("/data/old");
  auto warning = last().warning("/data/new", kNames);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("'/data/old'"), std::string::npos);
  EXPECT_NE(warning->find("'/data/new'"), std::string::npos);
}

TEST_F(LastRunTest, says_nothing_for_the_same_directory_another_instance_or_when_no_data_is_left) {
  last().remember("/data/old");
  EXPECT_FALSE(last().warning("/data/new", kNames));
  disk_.put("/data/old/dump.rdb", "x");
  EXPECT_FALSE(last().warning("/data/old", kNames));
  EXPECT_FALSE(last("port 7000").warning("/data/new", kNames));
}

TEST_F(LastRunTest, remembers_nothing_without_a_state_directory) {
  LastRun nowhere(disk_, "", "port 6379");
  nowhere.remember("/data/old");
  disk_.put("/data/old/dump.rdb", "x");
  EXPECT_FALSE(nowhere.warning("/data/new", kNames));
}

}  // namespace
}  // namespace holdfast
