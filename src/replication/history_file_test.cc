#include "replication/history_file.h"

#include <gtest/gtest.h>

#include "disk/faulty_disk.h"

namespace holdfast::replication {
namespace {

class HistoryFileTest : public testing::Test {
 protected:
  HistoryFileTest() : file_(disk_, "/d/a.history") { EXPECT_TRUE(disk_.make_directory("/d")); }

  static History history() { return {std::string(kIdDigits, 'a'), std::string(kIdDigits, 'b'), 123456789012}; }

  FaultyDisk disk_;
  HistoryFile file_;
};

TEST_F(HistoryFileTest, IsReadAsItWasWritten) {
  ASSERT_TRUE(file_.write(history()));
  EXPECT_EQ(file_.read(), history());
  History const fresh(std::string(kIdDigits, 'c'));
  ASSERT_TRUE(file_.write(fresh));
  EXPECT_EQ(file_.read(), fresh);
}

TEST_F(HistoryFileTest, SurvivesPowerFailure) {
  ASSERT_TRUE(file_.write(history()));
  disk_.crash(1);
  EXPECT_EQ(file_.read(), history());
  ASSERT_TRUE(file_.remove());
  disk_.crash(2);
  EXPECT_EQ(file_.read(), std::nullopt);
}

TEST_F(HistoryFileTest, NothingIsReadFromDamage) {
  EXPECT_EQ(file_.read(), std::nullopt);
  ASSERT_TRUE(file_.write(history()));
  std::string const sound = disk_.contents("/d/a.history");
  for (size_t i = 0; i < sound.size(); i++) {
    std::string damaged = sound;
    damaged[i] ^= 1;
    disk_.put("/d/a.history", damaged);
    EXPECT_EQ(file_.read(), std::nullopt) << i;
    disk_.put("/d/a.history", sound.substr(0, i));
    EXPECT_EQ(file_.read(), std::nullopt) << i;
  }
}

TEST_F(HistoryFileTest, RemovingWhatIsNotThereIsNoError) {
  EXPECT_TRUE(file_.remove());
  disk_.add_fault({.operation = DiskOperation::kUnlink, .errnum = EIO});
  EXPECT_FALSE(file_.remove());
}

}  // namespace
}  // namespace holdfast::replication
