#include "replication/history.h"

#include <gtest/gtest.h>

namespace holdfast::replication {
namespace {

std::string id_of(char digit) { return std::string(kIdDigits, digit); }

TEST(History, OfItsOwnIsSharedEverywhere) {
  History history(id_of('a'));
  EXPECT_TRUE(history.shares(id_of('a'), 1));
  EXPECT_TRUE(history.shares(id_of('A'), 1000));
  EXPECT_FALSE(history.shares(id_of('b'), 1));
  EXPECT_FALSE(history.shares("?", -1));
  EXPECT_EQ(history.previous_id(), id_of('0'));
  EXPECT_EQ(history.previous_end(), -1);
  EXPECT_FALSE(history.shares(id_of('0'), 1));
}

TEST(History, ABranchSharesTheOldOneUpToWhereItBegan) {
  History history(id_of('a'));
  history.branch(id_of('b'), 1143);
  EXPECT_EQ(history.id(), id_of('b'));
  EXPECT_EQ(history.previous_id(), id_of('a'));
  EXPECT_EQ(history.previous_end(), 1144);
  EXPECT_TRUE(history.shares(id_of('a'), 1144));
  EXPECT_FALSE(history.shares(id_of('a'), 1145));
  EXPECT_TRUE(history.shares(id_of('b'), 5000));
}

TEST(History, OnlyTheLastBranchIsRemembered) {
  History history(id_of('a'));
  history.branch(id_of('b'), 100);
  history.branch(id_of('c'), 200);
  EXPECT_FALSE(history.shares(id_of('a'), 50));
  EXPECT_TRUE(history.shares(id_of('b'), 201));
}

TEST(History, AFullSynchronizationForgetsWhatWasBefore) {
  History history(id_of('a'));
  history.branch(id_of('b'), 100);
  history.adopt(id_of('c'));
  EXPECT_EQ(history.id(), id_of('c'));
  EXPECT_FALSE(history.shares(id_of('b'), 1));
  EXPECT_EQ(history.previous_end(), -1);
}

}  // namespace
}  // namespace holdfast::replication
