#include <functional>

#include "snapshot/cut.h"
#include "snapshot/group_digest.h"
#include "snapshot/test_world.h"
#include "values/hash_value.h"
#include "values/set_value.h"
#include "values/type_ops.h"
#include "values/zset_value.h"

// Big values that are written to while a cut brings them to a file.

namespace holdfast::snapshot {
namespace {

constexpr int kElements = 60'000;
constexpr size_t kBudgetBytes = 256 * 1024;
constexpr std::string_view kKey = "big";

std::string member(int i) { return "member:" + to_text(int64_t{i}); }

/// Changes elements first .. end - 1 of the value, with a number that is written nowhere else.
void write(Keyspace& keyspace, ValueType type, int first, int end, int number) {
  Client(keyspace).execute({kKey}, 0, [&](Txn& txn) {
    txn.select(0);
    ValueEdit edit = txn.edit(kKey, txn.find(kKey), type);
    for (int i = first; i < end; i++) {
      switch (type) {
        case ValueType::kHash:
          HashEditor(edit, keyspace.value_context()).set(member(i), to_text(int64_t{number}));
          break;
        case ValueType::kSet:
          SetEditor(edit, keyspace.value_context()).add(member(i) + ":" + to_text(int64_t{number}));
          break;
        default: ZsetEditor(edit, keyspace.value_context()).put(member(i), number * 1e6 + i); break;
      }
    }
    txn.finish_edit(kKey, edit, false, 1);
  });
}

KeyDigest digest(Keyspace& keyspace) {
  KeyDigest result{};
  Client(keyspace).execute({kKey}, 0, [&](Txn& txn) {
    txn.select(0);
    result = digest_of_key(kKey, std::nullopt, txn.find(kKey)->view());
  });
  return result;
}

class BigValues : public testing::TestWithParam<ValueType> {
 protected:
  BigValues() {
    queue.on_relief([this] { reliefs++; });
    queue.reset(kBudgetBytes);
    write(keyspace, GetParam(), 0, kElements, 0);
    before = digest(keyspace);
  }

  void touch(int i) { write(keyspace, GetParam(), i, i + 1, ++number); }
  /// Writes to elements all over the value until the gate would hold who does.
  void write_until_held() {
    for (int i = 0; i < kElements && !queue.congested(); i++) touch(i * 7'919 % kElements);
  }
  /// The block with the value, as it was at the cut.
  BlockPtr cut_value() {
    EXPECT_TRUE(cut.try_begin({.compress = false}, [] {}));
    while (!cut.walked()) cut.walk(0, 1000);
    EXPECT_TRUE(cut.try_end());
    queue.close();
    return queue.pop();
  }
  bool write_rdb(Block const& block, std::string& out, PieceDone const& done) {
    RdbWriter writer(out, false);
    return ops_of(GetParam()).write_rdb(block.detours.at(0).value->view(), writer, done);
  }
  /// Gives up in the middle, while writers are held.
  void fail_while_held(Block const& block) {
    std::string out;
    EXPECT_FALSE(write_rdb(block, out, [&] {
      write_until_held();
      return false;
    }));
    EXPECT_TRUE(queue.congested());
  }
  /// What was written is the value as it was at the cut.
  void expect_as_before(RdbType type, std::string const& payload) {
    ByteReader in(payload);
    MaybeValue const saved = ops_of(GetParam()).read_rdb(type, in, keyspace.value_context());
    ASSERT_TRUE(saved && in.ok() && in.at_end());
    EXPECT_EQ(digest_of_key(kKey, std::nullopt, saved->view()), before);
  }

  SystemClock clock;
  LazyFree lazy_free;
  Keyspace keyspace{{.partitions = 16, .databases = 1, .hash_seed = 1}, lazy_free};
  BlockQueue queue;
  Cut cut{keyspace, clock, queue};
  int reliefs = 0;
  int number = 0;
  KeyDigest before;
};

TEST_P(BigValues, WritersAreHeldBeyondTheBudgetUntilTheWalkHasGoneOn) {
  BlockPtr block = cut_value();
  RdbType const type = ops_of(GetParam()).rdb_type(block->detours.at(0).value->view());
  std::string payload;
  std::string out;
  int held_pieces = 0;
  int times_held = 0;
  EXPECT_TRUE(write_rdb(*block, out, [&] {
    payload.append(out);
    out.clear();
    if (queue.congested()) {
      EXPECT_FALSE(cut.walk(0, 1000));
      held_pieces++;
    } else if (times_held < 3) {
      EXPECT_EQ(reliefs, times_held);
      write_until_held();
      EXPECT_TRUE(queue.congested());
      times_held++;
    }
    return true;
  }));
  payload.append(out);
  EXPECT_EQ(times_held, 3);
  EXPECT_EQ(reliefs, 3);
  EXPECT_GE(held_pieces, 3);
  EXPECT_FALSE(queue.congested());
  queue.give_back(std::move(block));

  expect_as_before(type, payload);
  EXPECT_NE(digest(keyspace), before);
}

TEST_P(BigValues, WhatIsCopiedBeforeAValuesTurnHoldsNobody) {
  BlockPtr block = cut_value();
  for (int i = 0; i < kElements; i += 10) touch(i);
  EXPECT_FALSE(queue.congested());
  std::string out;
  bool held = false;
  EXPECT_TRUE(write_rdb(*block, out, [&] {
    held |= queue.congested();
    return true;
  }));
  EXPECT_FALSE(held);
}

TEST_P(BigValues, AWriteThatFailsReleasesEverybody) {
  BlockPtr block = cut_value();
  fail_while_held(*block);
  queue.give_back(std::move(block));
  EXPECT_FALSE(queue.congested());
  EXPECT_EQ(reliefs, 1);
  for (int i = 0; i < kElements; i += 10) touch(i);
  EXPECT_FALSE(queue.congested());
}

TEST_P(BigValues, ACutThatIsGivenUpReleasesEverybody) {
  BlockPtr block = cut_value();
  fail_while_held(*block);
  queue.push(std::move(block));
  queue.reset(kBudgetBytes);
  EXPECT_FALSE(queue.congested());
  // The next one is whole.
  before = digest(keyspace);
  block = cut_value();
  RdbType const type = ops_of(GetParam()).rdb_type(block->detours.at(0).value->view());
  std::string out;
  EXPECT_TRUE(write_rdb(*block, out, {}));
  expect_as_before(type, out);
}

INSTANTIATE_TEST_SUITE_P(Types, BigValues, testing::Values(ValueType::kHash, ValueType::kSet, ValueType::kZset),
                         [](auto const& type) {
                           return std::string(type.param == ValueType::kHash  ? "Hash"
                                              : type.param == ValueType::kSet ? "Set"
                                                                              : "Zset");
                         });

/// As the gate: what it holds back waits.
void save_while_written(World& world, bool fails) {
  for (ValueType const type : {ValueType::kHash, ValueType::kSet, ValueType::kZset}) {
    write(world.keyspace, type, 0, kElements, 0);
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      for (int n = 1; !stop; n++) {
        while (world.persistence->congested() && !stop) std::this_thread::yield();
        write(world.keyspace, type, n * 7'919 % kElements, n * 7'919 % kElements + 1, n);
      }
    });
    for (int i = 0; i < 5; i++) EXPECT_EQ(world.save().has_value(), !fails);
    stop = true;
    writer.join();
    EXPECT_FALSE(world.persistence->congested());
    Client(world.keyspace).execute({}, 0, [](Txn& txn) { txn.flush(-1); });
  }
}

TEST(BigValuesSaved, WhileTheyAreWritten) {
  World world;
  save_while_written(world, false);
}

TEST(BigValuesSaved, ToADiskThatFails) {
  World world;
  world.disk->add_fault({.operation = DiskOperation::kAppend, .nth = 4, .errnum = ENOSPC, .path_part = "temp", .forever = true});
  save_while_written(world, true);
}

}  // namespace
}  // namespace holdfast::snapshot
