#include "structures/id_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

struct Note {
  uint64_t number;
};
using Tree = IdTree<Note>;
using Model = std::map<StreamId, uint64_t>;

void expect_same(Tree const& tree, Model const& model) {
  tree.tree().verify([](bool holds) { ASSERT_TRUE(holds); });
  ASSERT_EQ(tree.size(), model.size());
  auto at = tree.first();
  uint64_t rank = 0;
  for (auto const& [id, number] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(at.id(), id);
    ASSERT_EQ(at.payload().number, number);
    ASSERT_EQ(at.rank(), rank++);
    at.next();
  }
  ASSERT_FALSE(at);
  ASSERT_EQ(at.rank(), tree.size());
  if (!model.empty()) {
    ASSERT_EQ(tree.last_id(), model.rbegin()->first);
  }
}

TEST(IdTree, DoesWhatAMapDoes) {
  Random random(7);
  Tree tree;
  Model model;
  for (int round = 0; round < 40'000; round++) {
    // Phases of growth and of shrinking, so that nodes split and join.
    bool const growing = round / 8000 % 2 == 0;
    StreamId const id{random.below(60), random.below(100)};
    if (random.below(10) < (growing ? 7u : 3u)) {
      ASSERT_EQ(tree.insert(id, {id.seq}), model.emplace(id, id.seq).second);
    } else {
      ASSERT_EQ(tree.erase(id), model.erase(id) == 1);
    }
    StreamId const changed{random.below(60), 5};
    if (Note* note = tree.edit(changed)) note->number = model[changed] = random.next();
    ASSERT_EQ(tree.contains(id), model.contains(id));
    if (round % 500 == 0) expect_same(tree, model);
    if (round % 97 == 0) {
      auto const at = tree.lower_bound(id);
      auto const expected = model.lower_bound(id);
      ASSERT_EQ(static_cast<bool>(at), expected != model.end());
      if (at) {
        ASSERT_EQ(at.id(), expected->first);
      }
    }
  }
}

TEST(IdTree, AFrozenTreeStaysAsItWas) {
  Random random(8);
  Tree tree;
  Model model;
  for (uint64_t i = 0; i < 3000; i++) {
    tree.insert({i, 0}, {i});
    model[{i, 0}] = i;
  }
  Tree frozen = tree.freeze();
  Model const before = model;
  for (int round = 0; round < 5000; round++) {
    StreamId const id{random.below(3500), 0};
    if (Note* note = tree.edit(id)) note->number = model[id] = 77;
    if (random.below(2) == 0 && tree.erase(id)) model.erase(id);
  }
  expect_same(frozen, before);
  expect_same(tree, model);
  tree = Tree();
  expect_same(frozen, before);
}

TEST(IdTree, IdsInOrderMakeFullLeaves) {
  IdTree<NoPayload> ids;
  for (uint64_t i = 0; i < 100'000; i++) ASSERT_TRUE(ids.insert({1'700'000'000'000 + i / 3, i % 3}));
  EXPECT_LT(ids.memory_bytes(), 100'000u * 17);
  for (uint64_t i = 0; i < 100'000; i++) ASSERT_TRUE(ids.erase({1'700'000'000'000 + i / 3, i % 3}));
  EXPECT_EQ(ids.memory_bytes(), 0u);
}

}  // namespace
}  // namespace holdfast
