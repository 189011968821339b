#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "memory/block_mover.h"
#include "values/hash_value.h"
#include "values/list_value.h"
#include "values/set_value.h"
#include "values/stream_value.h"
#include "values/type_ops.h"
#include "values/zset_value.h"

namespace holdfast {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

/// A big value of one type, and how to change it.
struct Kind {
  ValueType type;
  std::function<std::unique_ptr<Body>(KeyHasher const&)> make;
  std::function<void(Body&, Random&)> change;
};

std::string text(Random& random) {
  return "text " + std::to_string(random.next() % 5000) + std::string(random.next() % 64 == 0 ? 1500 : random.next() % 40, 'x');
}

std::vector<Kind> kinds() {
  return {
      {ValueType::kHash, [](KeyHasher const& hasher) { return std::make_unique<HashBody>(hasher); },
       [](Body& body, Random& random) {
         auto& fields = static_cast<HashBody&>(body).fields;
         if (random.next() % 3 == 0) {
           fields.erase(text(random));
         } else {
           fields.put(text(random), text(random),
                      random.next() % 8 == 0 ? std::optional<int64_t>(1'700'000'000'000) : std::nullopt);
         }
       }},
      {ValueType::kSet, [](KeyHasher const& hasher) { return std::make_unique<SetBody>(hasher); },
       [](Body& body, Random& random) {
         auto& members = static_cast<SetBody&>(body).members;
         random.next() % 3 == 0 ? members.erase(text(random)) : members.add(text(random));
       }},
      {ValueType::kZset, [](KeyHasher const& hasher) { return std::make_unique<ZsetBody>(hasher); },
       [](Body& body, Random& random) {
         SortedSet& set = static_cast<ZsetBody&>(body).set;
         if (random.next() % 3 == 0) {
           set.erase(text(random));
         } else {
           set.put(text(random), static_cast<double>(random.next() % 1000));
         }
       }},
      {ValueType::kList, [](KeyHasher const&) { return std::make_unique<ListBody>(); },
       [](Body& body, Random& random) {
         BlockList& blocks = static_cast<ListBody&>(body).blocks;
         uint64_t const kind = random.next() % 4;
         if (kind == 0 && !blocks.empty()) {
           blocks.erase(random.next() % blocks.size());
         } else if (kind == 1) {
           blocks.insert(random.next() % (blocks.size() + 1), text(random));
         } else {
           kind == 2 ? blocks.push_front(text(random)) : blocks.push_back(text(random));
         }
       }},
      {ValueType::kStream, [](KeyHasher const&) { return std::make_unique<StreamBody>(); },
       [](Body& body, Random& random) {
         auto& stream = static_cast<StreamBody&>(body);
         if (stream.groups() == 0) {
           for (char const* name : {"a", "b"}) stream.add_group(StreamGroup(name, {}, 0));
           for (size_t i = 0; i < 2; i++) {
             auto group = stream.edit_group(i);
             for (char const* name : {"one", "two", "three"}) group->add_consumer(name, 1);
           }
         }
         StreamId const id{stream.last_id.ms + 1 + random.next() % 3, 0};
         std::string const value = text(random);
         std::string_view const pair[] = {"field", value};
         stream.append(id, pair, {.bytes = 4096, .entries = 100});
         auto group = stream.edit_group(random.next() % 2);
         group->assign(id, {.delivered_ms = 1, .deliveries = 1, .consumer = group->consumer_at(random.next() % 3)});
         StreamId const other{random.next() % (id.ms + 1), 0};
         if (random.next() % 2 == 0) group->acknowledge(other);
         if (random.next() % 4 == 0) stream.erase(other);
       }},
  };
}

std::string written(ValueType type, Body& body) {
  std::string payload;
  RdbWriter writer(payload);
  EXPECT_TRUE(ops_of(type).write_rdb({.type = type, .encoding = Encoding::kBody, .body = &body}, writer, {}));
  return payload;
}

/// Moves everything, `elements` in a step; returns the blocks moved. `between` runs between two steps.
uint64_t relocate_all(Body& body, uint64_t elements, std::function<void()> const& between = [] {}) {
  uint64_t part = 0;
  uint64_t position = 0;
  uint64_t moved = 0;
  for (bool complete = false; !complete; between()) {
    BlockMover mover(kNever, elements);
    mover.part = part;
    mover.position = position;
    body.relocate(mover);
    part = mover.part;
    position = mover.position;
    complete = mover.complete;
    moved += mover.hits;
  }
  return moved;
}

TEST(Relocation, values_are_the_same_after_all_their_blocks_have_moved) {
  KeyHasher const hasher(7);
  for (Kind const& kind : kinds()) {
    Random random(5);
    std::unique_ptr<Body> body = kind.make(hasher);
    for (int round = 0; round < 12; round++) {
      for (int i = 0; i < 1000; i++) kind.change(*body, random);
      std::string const before = written(kind.type, *body);
      size_t const bytes = body->memory_bytes();
      uint64_t const moved = relocate_all(*body, round % 2 == 0 ? 1 : 1000);
      EXPECT_GT(moved, 10u);
      EXPECT_EQ(body->memory_bytes(), bytes);
      ASSERT_EQ(written(kind.type, *body), before);
    }
  }
}

TEST(Relocation, what_a_frozen_handle_reaches_stays_where_it_is) {
  KeyHasher const hasher(7);
  for (Kind const& kind : kinds()) {
    Random random(6);
    std::unique_ptr<Body> body = kind.make(hasher);
    for (int i = 0; i < 5000; i++) kind.change(*body, random);
    std::string const then = written(kind.type, *body);
    std::unique_ptr<Body> frozen = body->freeze();
    EXPECT_EQ(relocate_all(*body, 100), 0u);
    for (int i = 0; i < 300; i++) kind.change(*body, random);  // some blocks are its own again
    std::string const now = written(kind.type, *body);
    EXPECT_GT(relocate_all(*body, 1), 0u);
    EXPECT_EQ(written(kind.type, *body), now);
    EXPECT_EQ(written(kind.type, *frozen), then);
    frozen.reset();
    EXPECT_GT(relocate_all(*body, 100), 10u);
    EXPECT_EQ(written(kind.type, *body), now);
  }
}

TEST(Relocation, a_value_may_change_between_two_steps) {
  KeyHasher const hasher(7);
  for (Kind const& kind : kinds()) {
    Random random(8);
    Random same(8);
    std::unique_ptr<Body> moving = kind.make(hasher);
    std::unique_ptr<Body> still = kind.make(hasher);
    for (int pass = 0; pass < 3; pass++) {
      for (int i = 0; i < 1500; i++) {
        kind.change(*moving, random);
        kind.change(*still, same);
      }
      int changes = 0;
      relocate_all(*moving, 50, [&] {
        for (; changes % 7 != 0 && changes < 3000; changes++) {
          kind.change(*moving, random);
          kind.change(*still, same);
        }
        changes++;
      });
      ASSERT_EQ(written(kind.type, *moving), written(kind.type, *still));
      EXPECT_EQ(moving->memory_bytes(), still->memory_bytes());
    }
  }
}

}  // namespace
}  // namespace holdfast
