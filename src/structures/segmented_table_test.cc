#include "structures/segmented_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "base/hash.h"

namespace holdfast {
namespace {

struct Item {
  uint64_t id;
};

uint64_t hash_of(uint64_t id) {
  static KeyHasher const hasher(1234);
  return hasher(std::string_view(reinterpret_cast<char const*>(&id), sizeof id));
}

struct ItemTraits {
  using Entry = Item;
  struct SegmentExtra {
    uint64_t mark = 0;
  };
  uint8_t* now;
  size_t* saved_buckets;
  uint64_t hash(Item const* item) const { return hash_of(item->id); }
  void before_change(Bucket& bucket) const {
    if (bucket.epoch() != *now) {
      bucket.set_epoch(*now);
      ++*saved_buckets;
    }
  }
  uint8_t epoch() const { return *now; }
  void merge(SegmentExtra& into, SegmentExtra from) const { into.mark |= from.mark; }
  void* allocate(size_t bytes) const { return std::aligned_alloc(64, bytes); }
  void release(void* segment, size_t) const { std::free(segment); }
};

struct Fixture {
  uint8_t epoch = 0;
  size_t saved = 0;
  SegmentedTable<ItemTraits> table{ItemTraits{&epoch, &saved}};
  std::unordered_map<uint64_t, std::unique_ptr<Item>> model;

  auto find(uint64_t id) {
    return table.find(hash_of(id), [&](Item const* item) { return item->id == id; });
  }
  void add(uint64_t id) {
    auto item = std::make_unique<Item>(Item{id});
    table.insert(hash_of(id), item.get());
    model[id] = std::move(item);
  }
  void drop(uint64_t id) {
    auto slot = find(id);
    ASSERT_TRUE(slot);
    table.erase(slot);
    model.erase(id);
  }
};

TEST(SegmentedTable, agrees_with_a_map_under_random_changes) {
  Fixture f;
  std::mt19937_64 random(3);
  for (int phase = 0; phase < 6; phase++) {
    bool growing = phase % 2 == 0;
    for (int step = 0; step < 60'000; step++) {
      uint64_t id = random() % 50'000;
      bool present = f.model.contains(id);
      ASSERT_EQ(bool(f.find(id)), present);
      if (growing ? random() % 10 < 8 : random() % 10 < 2) {
        if (!present) f.add(id);
      } else if (present) {
        f.drop(id);
      }
    }
    ASSERT_EQ(f.table.size(), f.model.size());
    std::set<uint64_t> seen;
    f.table.for_each([&](Item* item) { EXPECT_TRUE(seen.insert(item->id).second); });
    ASSERT_EQ(seen.size(), f.model.size());
    for (auto const& [id, item] : f.model) ASSERT_EQ(f.find(id).entry(), item.get());
  }
}

TEST(SegmentedTable, a_reserved_table_is_the_same_table_and_hardly_grows) {
  for (size_t hint : {0u, 400u, 401u, 3000u, 20'000u, 60'000u}) {
    Fixture f;
    f.table.reserve(hint);
    size_t const slots = f.table.slot_count();
    for (uint64_t id = 0; id < 20'000; id++) f.add(id);
    if (hint == 20'000) {
      EXPECT_LE(f.table.slot_count(), slots + slots / 20);
      EXPECT_GE(20'000.0 / static_cast<double>(f.table.slot_count()), 0.65);
    }
    std::set<uint64_t> seen;
    f.table.for_each([&](Item* item) { EXPECT_TRUE(seen.insert(item->id).second); });
    ASSERT_EQ(seen.size(), f.model.size());
    for (auto const& [id, item] : f.model) ASSERT_EQ(f.find(id).entry(), item.get());
    for (uint64_t id = 0; id < 20'000; id++) f.drop(id);
    EXPECT_TRUE(f.table.empty());
  }
}

TEST(SegmentedTable, a_scan_returns_every_element_that_stays_whatever_happens_between_its_steps) {
  for (uint64_t seed = 1; seed <= 30; seed++) {
    Fixture f;
    std::mt19937_64 random(seed);
    uint64_t lasting = 1 + random() % 3000;
    for (uint64_t id = 0; id < lasting; id++) f.add(id);
    std::set<uint64_t> seen;
    uint64_t position = 0;
    uint64_t volatile_id = 1'000'000;
    std::vector<uint64_t> others;
    do {
      uint64_t next = f.table.scan(position, [&](Item* item) { seen.insert(item->id); });
      ASSERT_TRUE(next == 0 || next > position);
      position = next;
      for (int i = random() % 40; i > 0; i--) {
        if (random() % 2 || others.empty()) {
          f.add(volatile_id);
          others.push_back(volatile_id++);
        } else {
          f.drop(others.back());
          others.pop_back();
        }
      }
      if (random() % 100 == 0) {
        while (!others.empty()) {
          f.drop(others.back());
          others.pop_back();
        }
      }
    } while (position != 0);
    for (uint64_t id = 0; id < lasting; id++) ASSERT_TRUE(seen.contains(id)) << "seed " << seed << " id " << id;
  }
}

TEST(SegmentedTable, an_undisturbed_scan_returns_each_element_once) {
  Fixture f;
  for (uint64_t id = 0; id < 20'000; id++) f.add(id);
  size_t visits = 0;
  uint64_t position = 0;
  do position = f.table.scan(position, [&](Item*) { visits++; });
  while (position != 0);
  EXPECT_EQ(visits, 20'000u);
}

TEST(SegmentedTable, every_bucket_is_saved_before_it_changes_in_a_new_epoch) {
  Fixture f;
  for (uint64_t id = 0; id < 5'000; id++) f.add(id);
  EXPECT_EQ(f.saved, 0u);
  f.epoch = 1;
  f.drop(17);
  EXPECT_GE(f.saved, 1u);
  for (uint64_t id = 10'000; id < 40'000; id++) f.add(id);
  uint64_t position = 0;
  bool more = true;
  while (more) {
    more = f.table.visit_segment(position, [&](auto& segment) {
      for (uint32_t i = 0; i < segment.bucket_count; i++) f.table.traits().before_change(segment.buckets()[i]);
    });
  }
  position = 0;
  more = true;
  while (more) {
    more = f.table.visit_segment(position, [&](auto& segment) {
      for (uint32_t i = 0; i < segment.bucket_count; i++) EXPECT_EQ(segment.buckets()[i].epoch(), 1);
    });
  }
}

TEST(SegmentedTable, memory_per_entry_stays_below_eleven_bytes) {
  Fixture f;
  size_t worst_milli = 0;
  for (uint64_t id = 0; id < 200'000; id++) {
    f.add(id);
    if (id > 20'000 && id % 1000 == 0) worst_milli = std::max(worst_milli, f.table.memory_bytes() * 1000 / f.table.size());
  }
  EXPECT_LT(worst_milli, 11'000u);
  std::printf("worst %.2f bytes per entry\n", static_cast<double>(worst_milli) / 1000);
}

TEST(SegmentedTable, deleting_everything_gives_the_memory_back) {
  Fixture f;
  for (uint64_t id = 0; id < 100'000; id++) f.add(id);
  size_t full = f.table.memory_bytes();
  for (uint64_t id = 0; id < 100'000; id++) f.drop(id);
  EXPECT_LT(f.table.memory_bytes(), full / 10);
}

/// One pass of compaction, at every segment: `rebuilds` and moves.
void compact_all(Fixture& f, std::mt19937_64& random) {
  uint64_t position = 0;
  bool more = true;
  while (more) {
    for (int round = 0; round < 4; round++) {
      f.table.compact_segment(position << 16, random() % 8 != 0, [&](auto*, size_t bytes) {
        return random() % 2 == 0 ? std::aligned_alloc(64, bytes) : nullptr;
      });
    }
    more = f.table.visit_segment(position, [](auto&) {});
  }
  f.table.compact_directory();
}

TEST(SegmentedTable, compaction_keeps_all_entries_and_saves_buckets_before_they_go) {
  Fixture f;
  std::mt19937_64 random(8);
  for (uint64_t id = 0; id < 100'000; id++) f.add(id);
  size_t const full = f.table.memory_bytes();
  std::vector<uint64_t> ids;
  for (auto const& [id, item] : f.model) ids.push_back(id);
  for (uint64_t id : ids) {
    if (random() % 100 != 0) f.drop(id);
  }
  size_t const deleted = f.table.memory_bytes();
  f.epoch = 1;  // a snapshot begins
  compact_all(f, random);
  EXPECT_GT(f.saved, 0u);
  compact_all(f, random);
  EXPECT_EQ(f.table.size(), f.model.size());
  for (auto const& [id, item] : f.model) ASSERT_TRUE(f.find(id));
  size_t seen = 0;
  f.table.for_each([&](Item* item) {
    seen++;
    ASSERT_TRUE(f.model.contains(item->id));
  });
  EXPECT_EQ(seen, f.model.size());
  EXPECT_LT(f.table.memory_bytes() * 3, deleted);
  EXPECT_LT(f.table.memory_bytes(), f.model.size() * 16 + 4096);
  for (uint64_t id = 200'000; id < 300'000; id++) f.add(id);  // and it grows again
  EXPECT_LT(f.table.memory_bytes(), full * 5 / 4);
  for (auto const& [id, item] : f.model) ASSERT_TRUE(f.find(id));
}

TEST(SegmentedTable, a_scan_sees_what_stays_although_the_table_is_compacted_between_its_steps) {
  std::mt19937_64 random(9);
  for (int round = 0; round < 20; round++) {
    Fixture f;
    std::set<uint64_t> stays;
    for (uint64_t id = 0; id < 20'000; id++) f.add(id);
    for (uint64_t id = 0; id < 20'000; id++) {
      if (id % 50 == 0) stays.insert(id);
    }
    std::vector<uint64_t> going;
    for (auto const& [id, item] : f.model) {
      if (!stays.contains(id)) going.push_back(id);
    }
    std::set<uint64_t> seen;
    uint64_t position = 0;
    do {
      position = f.table.scan(position, [&](Item* item) { seen.insert(item->id); });
      for (int i = 0; i < 40 && !going.empty(); i++, going.pop_back()) f.drop(going.back());
      uint64_t const somewhere = random() % 2 == 0 ? position << 16 : random();
      f.table.compact_segment(somewhere, true, [](auto*, size_t) -> void* { return nullptr; });
      if (random() % 16 == 0) f.table.compact_directory();
    } while (position != 0);
    for (uint64_t id : stays) ASSERT_TRUE(seen.contains(id));
  }
}

}  // namespace
}  // namespace holdfast
