#include "structures/hash_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace holdfast {
namespace {

/// Entries whose hash is chosen by the test: 8 bytes of hash, a length, padding.
struct ChosenEntries {
  static constexpr int kHashBits = 48;
  static size_t bytes(char const* entry) {
    uint16_t length;
    std::memcpy(&length, entry + 8, sizeof length);
    return 10 + size_t{length};
  }
  static uint64_t hash(char const* entry) {
    uint64_t hash;
    std::memcpy(&hash, entry, sizeof hash);
    return hash;
  }
  static void retain(char const* entry) { (*references)[hash(entry)]++; }
  static void release(char const* entry) { (*references)[hash(entry)]--; }

  static inline std::map<uint64_t, int>* references = nullptr;  // null: no entry is said to hold any
};
using Directory = HashDirectory<ChosenEntries>;

void insert(Directory& directory, uint64_t hash, uint16_t length) {
  char* entry = directory.open(directory.own(hash), hash, 10 + size_t{length});
  std::memcpy(entry, &hash, sizeof hash);
  std::memcpy(entry + 8, &length, sizeof length);
  std::memset(entry + 10, 'x', length);
  if (ChosenEntries::references) {
    (*ChosenEntries::references)[hash]++;
    directory.own(hash)->may_have_references = 1;
  }
}

bool erase(Directory& directory, uint64_t hash) {
  HashChunk* chunk = directory.own(hash);
  size_t const group = chunk->group_of(hash);
  for (char* entry = chunk->group_begin(group); entry < chunk->group_end(group); entry += ChosenEntries::bytes(entry)) {
    if (ChosenEntries::hash(entry) != hash) continue;
    if (ChosenEntries::references) ChosenEntries::release(entry);
    directory.close(chunk, hash, entry, ChosenEntries::bytes(entry));
    directory.tidy(chunk, hash);
    return true;
  }
  directory.tidy(chunk, hash);
  return false;
}

/// Walks all chunks and checks what must hold of each.
std::multimap<uint64_t, size_t> checked_content(Directory const& directory) {
  std::multimap<uint64_t, size_t> content;
  if (!directory.leaf(0)) return content;
  uint64_t position = 0;
  size_t chunk_bytes = 0;
  do {
    HashChunk const* chunk = directory.leaf(position);
    EXPECT_TRUE(chunk->header.capacity <= kChunkBytesMax || chunk->depth == Directory::kDepthMax);
    EXPECT_LE(chunk->used(), chunk->header.capacity);
    chunk_bytes += block_heap_bytes(chunk->header.capacity);
    size_t count = 0;
    for (size_t group = 0; group < chunk->groups(); group++) {
      for (char const* entry = chunk->group_begin(group); entry < chunk->group_end(group);
           entry += ChosenEntries::bytes(entry)) {
        uint64_t const hash = ChosenEntries::hash(entry);
        EXPECT_EQ(directory.leaf(hash), chunk);
        EXPECT_EQ(chunk->group_of(hash), group);
        content.emplace(hash, ChosenEntries::bytes(entry) - 10);
        count++;
      }
    }
    EXPECT_EQ(count, chunk->count);
    position = Directory::after(*chunk, position);
  } while (position != 0);
  EXPECT_EQ(content.size(), directory.size());
  EXPECT_GE(directory.memory_bytes(), chunk_bytes);
  EXPECT_LE(directory.memory_bytes(), chunk_bytes + chunk_bytes / 8 + 16384);
  return content;
}

using Hashes = std::vector<uint64_t> (*)(std::mt19937_64&);

/// Grows and shrinks with these hashes and keeps frozen handles on the way; in the end nothing is left.
void grow_and_shrink(Hashes make_hashes, uint16_t length_max) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> hashes = make_hashes(random);
  Directory directory{ChosenEntries{}};
  std::multimap<uint64_t, size_t> model;
  std::vector<std::pair<Directory, std::multimap<uint64_t, size_t>>> frozen;
  size_t const pause = hashes.size() / 4 + 1;
  for (size_t i = 0; i < hashes.size(); i++) {
    auto const length = static_cast<uint16_t>(random() % (length_max + 1));
    insert(directory, hashes[i], length);
    model.emplace(hashes[i], length);
    if (i % pause == pause - 1) frozen.emplace_back(directory.freeze(), model);
  }
  auto expect_content = [](Directory const& actual, std::multimap<uint64_t, size_t> const& expected) {
    std::multimap<uint64_t, size_t> content = checked_content(actual);
    ASSERT_EQ(content.size(), expected.size());
    for (auto const& [hash, length] : expected) {
      auto [first, last] = content.equal_range(hash);
      ASSERT_TRUE(std::any_of(first, last, [&](auto const& item) { return item.second == length; }));
    }
  };
  expect_content(directory, model);
  std::shuffle(hashes.begin(), hashes.end(), random);
  for (size_t i = 0; i < hashes.size(); i++) {
    ASSERT_TRUE(erase(directory, hashes[i]));
    ASSERT_FALSE(i % 100 == 0 && erase(directory, ~hashes[i]));
    if (i % pause == pause - 1) {
      checked_content(directory);
      for (auto const& [handle, then] : frozen) expect_content(handle, then);
      frozen.erase(frozen.begin());
    }
  }
  EXPECT_EQ(directory.size(), 0u);
  EXPECT_EQ(directory.memory_bytes(), 0u);
}

std::vector<uint64_t> uniform(std::mt19937_64& random) {
  std::vector<uint64_t> hashes(8000);
  for (uint64_t& hash : hashes) hash = random();
  return hashes;
}

TEST(HashDirectory, UniformHashes) { grow_and_shrink(uniform, 10); }
TEST(HashDirectory, BigEntries) { grow_and_shrink(uniform, 2050); }

TEST(HashDirectory, HashesThatShareAllButTheLastBits) {
  auto shared = [](std::mt19937_64& random) {
    std::vector<uint64_t> hashes(2000);
    for (uint64_t& hash : hashes) hash = 0xABCDEF0123450000 + (random() % 4096 << 20);
    return hashes;
  };
  grow_and_shrink(shared, 60);
}
TEST(HashDirectory, EqualHashes) {
  auto equal = [](std::mt19937_64&) { return std::vector<uint64_t>(1500, 0x8000000000000000); };
  grow_and_shrink(equal, 10);
}
TEST(HashDirectory, LopsidedHashes) {
  // Half of all in each half of what is left: chunks of every depth side by side.
  auto lopsided = [](std::mt19937_64& random) {
    std::vector<uint64_t> hashes(6000);
    for (uint64_t& hash : hashes) hash = random() >> (random() % 40);
    return hashes;
  };
  grow_and_shrink(lopsided, 40);
}

TEST(HashDirectory, EveryReferenceIsCountedAndDropped) {
  std::map<uint64_t, int> references;
  ChosenEntries::references = &references;
  grow_and_shrink(uniform, 300);
  for (auto const& [hash, count] : references) EXPECT_EQ(count, 0) << hash;
  {
    std::mt19937_64 random(2);
    Directory directory{ChosenEntries{}};
    for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
    Directory frozen = directory.freeze();
    for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
  }
  for (auto const& [hash, count] : references) EXPECT_EQ(count, 0) << hash;
  ChosenEntries::references = nullptr;
}

/// Drains a frozen handle while the live one grows and shrinks, and while other frozen handles are there. The drain is given up
/// after `chunks_max` chunks.
void drain_while_written(Hashes make_hashes, uint16_t length_max, size_t chunks_max = SIZE_MAX) {
  std::mt19937_64 random(4);
  std::vector<uint64_t> hashes = make_hashes(random);
  std::map<uint64_t, int> references;
  ChosenEntries::references = &references;
  CopyBudget budget;
  {
    Directory directory{ChosenEntries{}};
    for (uint64_t hash : hashes) insert(directory, hash, static_cast<uint16_t>(random() % (length_max + 1)));
    std::multimap<uint64_t, size_t> const at_freeze = checked_content(directory);
    Directory const other = directory.freeze();
    std::multimap<uint64_t, size_t> drained;
    {
      Directory frozen = directory.freeze_for_drain(budget);
      EXPECT_TRUE(frozen.drains());
      EXPECT_FALSE(directory.drains());
      Directory const later = directory.freeze();
      HashDrain drain(frozen);
      for (size_t chunks = 0; chunks < chunks_max; chunks++) {
        HashChunk const* chunk = drain.next();
        if (!chunk) break;
        for (char const* entry = chunk->data(); entry < chunk->data_end(); entry += ChosenEntries::bytes(entry)) {
          drained.emplace(ChosenEntries::hash(entry), ChosenEntries::bytes(entry) - 10);
        }
        EXPECT_EQ(frozen.size(), at_freeze.size() - drained.size());
        for (uint64_t writes = random() % 4; writes > 0; writes--) {
          uint64_t const hash = hashes[random() % hashes.size()];
          random() % 2 ? insert(directory, hash, static_cast<uint16_t>(random() % (length_max + 1)))
                       : static_cast<void>(erase(directory, hash));
        }
      }
      if (chunks_max == SIZE_MAX) {
        EXPECT_EQ(drained, at_freeze);
        EXPECT_EQ(frozen.size(), 0u);
        EXPECT_EQ(budget.bytes(), 0u);
      } else {
        EXPECT_LT(drained.size(), at_freeze.size());
      }
      EXPECT_EQ(checked_content(later), at_freeze);
    }
    EXPECT_EQ(budget.bytes(), 0u);
    EXPECT_EQ(checked_content(other), at_freeze);
    checked_content(directory);
    for (auto const& [hash, length] : checked_content(directory)) ASSERT_TRUE(erase(directory, hash));
    EXPECT_EQ(directory.memory_bytes(), 0u);
  }
  for (auto const& [hash, count] : references) EXPECT_EQ(count, 0) << hash;
  ChosenEntries::references = nullptr;
}

std::vector<uint64_t> deep(std::mt19937_64& random) {
  std::vector<uint64_t> hashes(6000);
  for (uint64_t& hash : hashes) hash = random() >> (random() % 40);
  return hashes;
}

TEST(HashDrain, GivesEachEntryOnceAsItWas) {
  drain_while_written(uniform, 200);
  drain_while_written(uniform, 2050);
  drain_while_written(deep, 100);
  drain_while_written([](std::mt19937_64&) { return std::vector<uint64_t>{1, 2, 3}; }, 10);
}

TEST(HashDrain, MayBeGivenUp) {
  drain_while_written(uniform, 200, 0);
  drain_while_written(uniform, 200, 100);
  drain_while_written(deep, 100, 50);
}

TEST(HashDrain, OfNothingEnds) {
  CopyBudget budget;
  Directory directory{ChosenEntries{}};
  Directory frozen = directory.freeze_for_drain(budget);
  HashDrain drain(frozen);
  EXPECT_EQ(drain.next(), nullptr);
  EXPECT_EQ(drain.next(), nullptr);
}

TEST(HashDrain, LetsGoOfEachChunkAndBeginsWithThoseThatWereCopied) {
  std::mt19937_64 random(5);
  CopyBudget budget;
  Directory directory{ChosenEntries{}};
  for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
  Directory frozen = directory.freeze_for_drain(budget);
  size_t const all_bytes = frozen.memory_bytes();
  std::vector<uint64_t> touched;
  size_t copied_bytes = 0;
  for (uint64_t i = 1; i <= 10; i++) {
    touched.push_back(i * 0x1777777777777777);  // far apart: no two in one chunk
    HashChunk const* before = directory.leaf(touched.back());
    HashChunk const* copy = directory.own(touched.back());
    ASSERT_NE(copy, before);
    ASSERT_EQ(directory.own(touched.back()), copy) << "copied once only";
    copied_bytes += block_heap_bytes(copy->header.capacity);
  }
  HashDrain drain(frozen);
  EXPECT_EQ(budget.bytes(), copied_bytes);
  for (uint64_t i = 0; i < 10; i++) drain.next();
  for (uint64_t hash : touched) EXPECT_EQ(frozen.leaf(hash), nullptr) << hash;
  EXPECT_EQ(frozen.memory_bytes(), all_bytes - copied_bytes);
  drain.next();
  EXPECT_EQ(budget.bytes(), 0u);
  EXPECT_LT(frozen.memory_bytes(), all_bytes - copied_bytes);
  // What was let go is the live handle's own.
  HashChunk const* const untouched = directory.leaf(0);
  EXPECT_FALSE(frozen.leaf(0)) << "the walk begins there";
  drain.next();
  EXPECT_EQ(directory.own(0), untouched);
  EXPECT_EQ(budget.bytes(), 0u);
  while (drain.next()) {
  }
  // Nodes are left.
  EXPECT_LE(frozen.memory_bytes(), all_bytes / 50);
}

TEST(HashDrain, WhatIsDrainedInTheMeantimeIsNotedForNobody) {
  CopyBudget budget;
  std::mt19937_64 random(6);
  Directory directory{ChosenEntries{}};
  for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
  {
    Directory frozen = directory.freeze_for_drain(budget);
    HashDrain drain(frozen);
    for (int i = 0; i < 5; i++) drain.next();
  }
  Directory const other = directory.freeze();
  for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
  EXPECT_EQ(budget.bytes(), 0u);
}

TEST(HashDirectory, DueChunksAreFoundWithoutAWalk) {
  std::mt19937_64 random(3);
  Directory directory{ChosenEntries{}};
  for (uint64_t hash : uniform(random)) insert(directory, hash, 100);
  EXPECT_EQ(directory.due(), kNeverDue);
  for (uint32_t i = 0; i < 10; i++) {
    uint64_t const hash = uint64_t{i} << 60;  // far apart: no two in one chunk
    directory.own(hash);
    directory.lower_due(hash, 100 + i);
  }
  EXPECT_EQ(directory.due(), 100u);
  Directory frozen = directory.freeze();
  size_t visits = 0;
  auto expire = [&](HashChunk& chunk) {
    visits++;
    chunk.due = kNeverDue;
    return true;
  };
  directory.visit_due(99, expire);
  EXPECT_EQ(visits, 0u);
  directory.visit_due(104, expire);
  EXPECT_EQ(visits, 5u);
  EXPECT_EQ(directory.due(), 105u);
  EXPECT_EQ(frozen.due(), 100u);
  directory.visit_due(200, expire);
  EXPECT_EQ(visits, 10u);
  EXPECT_EQ(directory.due(), kNeverDue);
}

}  // namespace
}  // namespace holdfast
