#include "structures/counted_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "memory/block_heap.h"

namespace holdfast {
namespace {

/// A map of ids to numbers with tiny leaves, so that few elements make a deep tree.
struct IdMapPolicy {
  static constexpr bool kKeyed = true;
  static constexpr size_t kEntriesMax = 4;
  struct Entry {
    uint64_t id;
    uint64_t value;
  };
  struct Leaf : ChunkHeader {
    uint64_t entries = 0;
    Entry entry[kEntriesMax];
    Leaf() : ChunkHeader(sizeof(Leaf)) {}
  };
  using Head = uint64_t;
  using Tail = NoSeparator;

  static uint64_t count(Leaf const& leaf) { return leaf.entries; }
  static size_t bytes(Leaf const& leaf) { return leaf.capacity; }
  static Leaf* make() { return new (allocate_block(sizeof(Leaf))) Leaf; }
  static void destroy(Leaf* leaf) { free_block(leaf, sizeof(Leaf)); }
  static Leaf* copy(Leaf const& leaf) {
    Leaf* fresh = make();
    take(fresh, leaf);
    return fresh;
  }
  static void take(Leaf* leaf, Leaf const& from) {
    for (uint64_t i = 0; i < from.entries; i++) leaf->entry[leaf->entries++] = from.entry[i];
  }
  static Leaf* joined(Leaf const& left, Leaf const& right) {
    if (left.entries + right.entries > kEntriesMax) return nullptr;
    Leaf* fresh = copy(left);
    take(fresh, right);
    return fresh;
  }
  static Leaf* erase(Leaf* leaf, uint64_t first, uint64_t last) {
    std::copy(leaf->entry + last, leaf->entry + leaf->entries, leaf->entry + first);
    leaf->entries -= last - first;
    return leaf;
  }
  static Head head(uint64_t key) { return key; }
  static void separate(Leaf const&, Leaf const& right, Head& head, Tail&) { head = right.entry[0].id; }
  static uint64_t lower_bound(Leaf const& leaf, uint64_t key, uint64_t) {
    uint64_t slot = 0;
    while (slot < leaf.entries && leaf.entry[slot].id < key) slot++;
    return slot;
  }
};

using IdTree = CountedTree<IdMapPolicy>;
using Model = std::map<uint64_t, uint64_t>;

void insert(IdTree& tree, uint64_t id, uint64_t value) {
  IdTree::Cursor at = tree.seek(id);
  if (!at.has_leaf()) {
    IdMapPolicy::Leaf* leaf = IdMapPolicy::make();
    leaf->entry[leaf->entries++] = {id, value};
    return tree.start(leaf);
  }
  IdMapPolicy::Leaf* leaf = tree.own(at);
  if (at && leaf->entry[at.slot()].id == id) {
    leaf->entry[at.slot()].value = value;
    return;
  }
  if (leaf->entries == IdMapPolicy::kEntriesMax) {
    bool const at_edge = at.in_last_leaf() && at.slot() == leaf->entries;
    uint64_t const kept = at_edge ? leaf->entries : leaf->entries / 2;
    IdMapPolicy::Leaf* right = IdMapPolicy::make();
    right->entries = leaf->entries - kept;
    std::copy(leaf->entry + kept, leaf->entry + leaf->entries, right->entry);
    leaf->entries = kept;
    IdMapPolicy::Leaf* target = at_edge ? right : leaf;
    if (!at_edge) tree.changed(at, leaf, -static_cast<int64_t>(right->entries), 0);
    if (at_edge) {
      target->entry[target->entries++] = {id, value};
      return tree.insert_after(at, right);
    }
    tree.insert_after(at, right);
    return insert(tree, id, value);
  }
  std::copy_backward(leaf->entry + at.slot(), leaf->entry + leaf->entries, leaf->entry + leaf->entries + 1);
  leaf->entry[at.slot()] = {id, value};
  leaf->entries++;
  tree.changed(at, leaf, 1, 0);
}

bool erase(IdTree& tree, uint64_t id) {
  IdTree::Cursor at = tree.lower_bound(id);
  if (!at || at.leaf().entry[at.slot()].id != id) return false;
  IdMapPolicy::Leaf* leaf = tree.own(at);
  if (leaf->entries == 1) {
    tree.remove_leaf(at);
    return true;
  }
  IdMapPolicy::erase(leaf, at.slot(), at.slot() + 1);
  tree.changed(at, leaf, -1, 0);
  tree.settle(at);
  return true;
}

void verify(IdTree const& tree) {
  tree.verify([](bool holds) { ASSERT_TRUE(holds); });
}

void expect_same(IdTree const& tree, Model const& model) {
  ASSERT_EQ(tree.size(), model.size());
  IdTree::Cursor at = tree.first();
  uint64_t rank = 0;
  for (auto const& [id, value] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(at.leaf().entry[at.slot()].id, id);
    ASSERT_EQ(at.leaf().entry[at.slot()].value, value);
    if (rank % 97 == 0) {
      ASSERT_EQ(at.rank(), rank);
      IdTree::Cursor const same = tree.at(rank);
      ASSERT_EQ(same.leaf().entry[same.slot()].id, id);
    }
    rank++;
    at.next();
  }
  ASSERT_FALSE(at);
  ASSERT_EQ(at.rank(), model.size());
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    at.previous();
    ASSERT_TRUE(at);
    ASSERT_EQ(at.leaf().entry[at.slot()].id, it->first);
  }
  if (!model.empty()) at.previous();
  ASSERT_FALSE(at);
}

TEST(CountedTree, RandomOperationsAsAMap) {
  Random random(1);
  IdTree tree;
  Model model;
  std::vector<std::pair<IdTree, Model>> frozen;
  for (int step = 0; step < 200'000; step++) {
    uint64_t const id = random.below(60'000);
    bool const growing = step / 40'000 % 2 == 0;
    if (random.below(10) < (growing ? 8u : 2u)) {
      insert(tree, id, static_cast<uint64_t>(step));
      model[id] = static_cast<uint64_t>(step);
    } else {
      ASSERT_EQ(erase(tree, id), model.erase(id) == 1);
    }
    if (step % 20'011 == 0) {
      frozen.emplace_back(tree.freeze(), model);
      ASSERT_NO_FATAL_FAILURE(verify(tree));
      ASSERT_NO_FATAL_FAILURE(expect_same(tree, model));
    }
    if (frozen.size() == 4) {  // the oldest is neither the first nor the last to go
      size_t const index = random.below(4);
      ASSERT_NO_FATAL_FAILURE(verify(frozen[index].first));
      ASSERT_NO_FATAL_FAILURE(expect_same(frozen[index].first, frozen[index].second));
      frozen.erase(frozen.begin() + static_cast<ptrdiff_t>(index));
    }
  }
  for (auto const& [handle, content] : frozen) ASSERT_NO_FATAL_FAILURE(expect_same(handle, content));
}

TEST(CountedTree, RangesAreErasedByRank) {
  Random random(2);
  for (int round = 0; round < 60; round++) {
    IdTree tree;
    Model model;
    uint64_t const size = 1 + random.below(20'000);
    for (uint64_t i = 0; i < size; i++) {
      uint64_t const id = random.below(1'000'000);
      insert(tree, id, i);
      model[id] = i;
    }
    IdTree const before = tree.freeze();
    Model const before_model = model;
    for (int erased = 0; erased < 20 && !model.empty(); erased++) {
      uint64_t const first = random.below(model.size());
      uint64_t const longest = random.below(2) == 0 ? 10 : model.size();
      uint64_t const last = std::min<uint64_t>(model.size(), first + random.below(longest + 1));
      tree.erase_range(first, last);
      model.erase(std::next(model.begin(), static_cast<ptrdiff_t>(first)),
                  std::next(model.begin(), static_cast<ptrdiff_t>(last)));
      ASSERT_NO_FATAL_FAILURE(verify(tree));
      for (int i = 0; i < 5; i++) {
        uint64_t const id = random.below(1'000'000);
        insert(tree, id, id);
        model[id] = id;
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_same(tree, model));
    ASSERT_NO_FATAL_FAILURE(verify(before));
    ASSERT_NO_FATAL_FAILURE(expect_same(before, before_model));
  }
}

TEST(CountedTree, NodesFilledFromTheRightEdgeStayFull) {
  IdTree tree;
  constexpr uint64_t kLeaves = 63 * 63;
  for (uint64_t i = 0; i < kLeaves * IdMapPolicy::kEntriesMax; i++) insert(tree, i, i);
  ASSERT_NO_FATAL_FAILURE(verify(tree));
  // Two full levels above the leaves: 64 nodes, each at most 24 + 63 * 24 bytes in a block of the next class.
  EXPECT_LE(tree.memory_bytes(), kLeaves * sizeof(IdMapPolicy::Leaf) + 64 * 2048);
}

TEST(CountedTree, AnEmptiedTreeStartsAgain) {
  IdTree tree;
  for (int round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < 5'000; i++) insert(tree, i, i);
    IdTree const frozen = tree.freeze();
    for (uint64_t i = 0; i < 5'000; i++) ASSERT_TRUE(erase(tree, round == 1 ? 4'999 - i : i));
    EXPECT_TRUE(tree.empty());
    EXPECT_EQ(tree.memory_bytes(), 0u);
    EXPECT_FALSE(tree.first());
    EXPECT_EQ(frozen.size(), 5'000u);
    ASSERT_NO_FATAL_FAILURE(verify(frozen));
  }
}

TEST(CountedTree, AFrozenHandleSharesAllButThePathsThatChanged) {
  IdTree tree;
  for (uint64_t i = 0; i < 100'000; i++) insert(tree, i * 2, i);
  IdTree const frozen = tree.freeze();
  insert(tree, 100'001, 0);
  size_t shared = 0;
  size_t own = 0;
  for (IdTree::Cursor at = tree.first(); at; at.next_leaf()) (at.leaf().unique() ? own : shared)++;
  EXPECT_EQ(shared + own, tree.size() / IdMapPolicy::kEntriesMax + 1);
  // The parent of the changed leaf was copied, so its other children have two parents; the rest has one shared
  // ancestor.
  EXPECT_LE(shared, IdTree::kFanoutMax);
  EXPECT_EQ(frozen.size() + 1, tree.size());
}

}  // namespace
}  // namespace holdfast
