#include "structures/block_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "structures/packed_list.h"

namespace holdfast {
namespace {

using Model = std::deque<std::string>;

std::string text_of(packed::Element const& element) {
  packed::TextScratch scratch;
  return std::string(element.as_text(scratch));
}

void verify(BlockList const& list) {
  list.tree().verify([](bool holds) { ASSERT_TRUE(holds); });
}

void expect_same(BlockList const& list, Model const& model) {
  ASSERT_EQ(list.size(), model.size());
  BlockList::Cursor at = list.first();
  for (std::string const& text : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(text_of(at.element()), text);
    at.next();
  }
  ASSERT_FALSE(at);
  ASSERT_EQ(at.index(), model.size());
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    at.previous();
    ASSERT_TRUE(at);
    ASSERT_EQ(text_of(at.element()), *it);
  }
  // Block by block, as it is saved.
  uint64_t count = 0;
  if ((at = list.first())) {
    do {
      BlockView const block = at.block();
      if (block.big) {
        ASSERT_EQ(block.bytes, model[count]);
      } else {
        char const* const end = block.bytes.data() + block.bytes.size();
        ASSERT_EQ(packed::advance(block.bytes.data(), end, block.count), end);
        ASSERT_EQ(text_of(packed::read_entry(block.bytes.data())), model[count]);
      }
      count += block.count;
    } while (at.next_block());
  }
  ASSERT_EQ(count, model.size());
}

std::string random_text(Random& random, bool with_big) {
  uint64_t const kind = random.below(100);
  if (kind < 30) return std::to_string(static_cast<int64_t>(random.next()) >> random.below(64));
  if (kind < 90) return std::string(random.below(30), static_cast<char>('a' + random.below(3)));
  if (kind < 98 || !with_big) return std::string(random.below(1'025), 'm');
  return std::string(1'025 + random.below(5'000), static_cast<char>('A' + random.below(3)));
}

/// The same random operations on a list and on a deque; `ends` and `inside`: how many of 100 are of that kind.
void random_operations(uint64_t seed, int steps, uint64_t ends, bool with_big, uint64_t size_wanted) {
  Random random(seed);
  BlockList list;
  Model model;
  std::vector<std::pair<BlockList, Model>> frozen;
  auto const position = [&](uint64_t index) { return model.begin() + static_cast<ptrdiff_t>(index); };
  for (int step = 0; step < steps; step++) {
    std::string const text = random_text(random, with_big);
    bool const growing = model.size() < size_wanted ? random.below(4) != 0 : random.below(4) == 0;
    uint64_t const index = model.empty() ? 0 : random.below(model.size());
    if (random.below(100) < ends) {
      bool const in_front = random.below(2) == 0;
      if (growing && in_front) {
        list.push_front(text);
        model.push_front(text);
      } else if (growing) {
        list.push_back(text);
        model.push_back(text);
      } else if (!model.empty() && in_front) {
        ASSERT_EQ(text_of(list.front()), model.front());
        list.pop_front();
        model.pop_front();
      } else if (!model.empty()) {
        ASSERT_EQ(text_of(list.back()), model.back());
        list.pop_back();
        model.pop_back();
      }
    } else if (growing) {
      uint64_t const place = random.below(model.size() + 1);
      list.insert(place, text);
      model.insert(position(place), text);
    } else if (model.empty()) {
      continue;
    } else if (uint64_t const kind = random.below(100); kind < 50) {
      list.set(index, text);
      model[index] = text;
      ASSERT_EQ(text_of(list.at(index)), text);
    } else if (kind < 95) {
      ASSERT_EQ(text_of(list.at(index)), model[index]);
      list.erase(index);
      model.erase(position(index));
    } else if (kind < 98) {
      uint64_t const last = std::min<uint64_t>(model.size(), index + random.below(30));
      list.erase_range(index, last);
      model.erase(position(index), position(last));
    } else {
      std::string const wanted = model[index];
      uint64_t const limit = 1 + random.below(20);
      bool const from_tail = random.below(2) == 0;
      uint64_t removed = 0;
      while (removed < limit) {
        Model::iterator found = model.end();
        if (from_tail) {
          auto const reverse = std::find(model.rbegin(), model.rend(), wanted);
          if (reverse != model.rend()) found = std::prev(reverse.base());
        } else {
          found = std::find(model.begin(), model.end(), wanted);
        }
        if (found == model.end()) break;
        model.erase(found);
        removed++;
      }
      ASSERT_EQ(list.remove(wanted, limit, from_tail), removed);
    }
    if (step % 5'003 == 0) {
      ASSERT_NO_FATAL_FAILURE(verify(list));
      ASSERT_NO_FATAL_FAILURE(expect_same(list, model));
      frozen.emplace_back(list.freeze(), model);
      ASSERT_EQ(frozen.back().first.memory_bytes(), list.memory_bytes());
      if (frozen.size() == 3) {
        size_t const which = random.below(3);
        ASSERT_NO_FATAL_FAILURE(verify(frozen[which].first));
        ASSERT_NO_FATAL_FAILURE(expect_same(frozen[which].first, frozen[which].second));
        frozen.erase(frozen.begin() + static_cast<ptrdiff_t>(which));
      }
    }
  }
  ASSERT_NO_FATAL_FAILURE(verify(list));
  ASSERT_NO_FATAL_FAILURE(expect_same(list, model));
  list = BlockList();
  for (auto const& [handle, content] : frozen) ASSERT_NO_FATAL_FAILURE(expect_same(handle, content));
}

TEST(BlockList, RandomOperationsAtTheEnds) { random_operations(1, 150'000, 100, false, 20'000); }
TEST(BlockList, RandomOperationsAtTheEndsOfAShortList) { random_operations(2, 100'000, 100, true, 30); }
TEST(BlockList, RandomOperationsEverywhere) { random_operations(3, 80'000, 30, false, 15'000); }
TEST(BlockList, RandomOperationsEverywhereWithBigElements) { random_operations(4, 60'000, 30, true, 5'000); }
TEST(BlockList, RandomOperationsInsideOfAShortList) { random_operations(5, 60'000, 10, true, 20); }

TEST(BlockList, TrimKeepsTheMiddle) {
  Random random(6);
  for (int round = 0; round < 40; round++) {
    BlockList list;
    Model model;
    for (uint64_t size = random.below(10'000); size > 0; size--) {
      std::string const text = random_text(random, true);
      list.push_back(text);
      model.push_back(text);
    }
    BlockList const before = list.freeze();
    uint64_t const first = random.below(model.size() + 1);
    uint64_t const last = first + random.below(model.size() - first + 1);
    list.trim(first, last);
    Model const kept(model.begin() + static_cast<ptrdiff_t>(first), model.begin() + static_cast<ptrdiff_t>(last));
    ASSERT_NO_FATAL_FAILURE(verify(list));
    ASSERT_NO_FATAL_FAILURE(expect_same(list, kept));
    ASSERT_NO_FATAL_FAILURE(expect_same(before, model));
  }
}

TEST(BlockList, ElementsAreReadBetweenTheSameBoundsAfterInsertionInOrder) {
  // LINSERT before and after one pivot, forever: blocks split and stay in order.
  BlockList list;
  Model model{"pivot"};
  list.push_back("pivot");
  for (uint64_t i = 0; i < 5'000; i++) {
    std::string const text = "element:" + std::to_string(i);
    list.insert(i / 2, text);
    model.insert(model.begin() + static_cast<ptrdiff_t>(i / 2), text);
  }
  ASSERT_NO_FATAL_FAILURE(verify(list));
  ASSERT_NO_FATAL_FAILURE(expect_same(list, model));
}

TEST(BlockList, EveryMatchIsRemovedHowManyThereAre) {
  for (bool const from_tail : {false, true}) {
    BlockList list;
    for (int i = 0; i < 30'000; i++) list.push_back(i % 3 == 0 ? "go" : std::to_string(i));
    EXPECT_EQ(list.remove("go", 5, from_tail), 5u);
    EXPECT_EQ(text_of(list.at(0)), from_tail ? "go" : "1");
    EXPECT_EQ(text_of(list.at(list.size() - 1)), "29999");
    EXPECT_EQ(list.remove("go", UINT64_MAX, from_tail), 9'995u);
    EXPECT_EQ(list.remove("go", UINT64_MAX, from_tail), 0u);
    EXPECT_EQ(list.remove("29999", UINT64_MAX, from_tail), 1u);
    ASSERT_NO_FATAL_FAILURE(verify(list));
    EXPECT_EQ(list.size(), 19'999u);
  }
}

TEST(BlockList, ListpacksAreAppendedIntoFullBlocks) {
  Random random(8);
  BlockList list;
  Model model;
  for (int lists = 0; lists < 200; lists++) {
    PackedListBuilder builder;
    for (uint64_t count = random.below(lists % 10 == 0 ? 800 : 5) + 1; count > 0; count--) {
      std::string const text = random_text(random, true);
      builder.append(text);
      model.push_back(text);
    }
    std::string const bytes = builder.finish();
    PackedListView const view(bytes);
    list.append_entries({view.first(), static_cast<size_t>(view.terminator() - view.first())});
  }
  ASSERT_NO_FATAL_FAILURE(verify(list));
  ASSERT_NO_FATAL_FAILURE(expect_same(list, model));
}

constexpr uint64_t kManyItems = 300'000;
std::string const kItem(20, 'i');  // 22 bytes as an entry

TEST(BlockList, PushedItemsOfTwentyBytesTakeLessThanTwentyThree) {
  BlockList pushed;
  for (uint64_t i = 0; i < kManyItems; i++) (i < kManyItems / 2 ? pushed.push_back(kItem) : pushed.push_front(kItem));
  EXPECT_LE(static_cast<double>(pushed.memory_bytes()) / kManyItems, 23);

  PackedListBuilder builder;
  for (int i = 0; i < 370; i++) builder.append(kItem);
  std::string const bytes = builder.finish();
  PackedListView const view(bytes);
  BlockList loaded;
  while (loaded.size() < kManyItems) {
    loaded.append_entries({view.first(), static_cast<size_t>(view.terminator() - view.first())});
  }
  EXPECT_LE(static_cast<double>(loaded.memory_bytes()) / static_cast<double>(loaded.size()), 23);
}

TEST(BlockList, InsertionsAtRandomPlacesWasteLessThanAThird) {
  Random random(9);
  BlockList list;
  for (uint64_t i = 0; i < 100'000; i++) list.insert(random.below(list.size() + 1), kItem);
  EXPECT_LE(static_cast<double>(list.memory_bytes()) / 100'000, 22 * 1.33);
  for (uint64_t i = 0; i < 90'000; i++) list.erase(random.below(list.size()));
  EXPECT_LE(static_cast<double>(list.memory_bytes()) / 10'000, 44);
  ASSERT_NO_FATAL_FAILURE(verify(list));
}

TEST(BlockList, AQueueStaysSmall) {
  BlockList list;
  for (int i = 0; i < 100; i++) list.push_back(kItem);
  for (int i = 0; i < 50'000; i++) {
    list.push_back(kItem);
    list.pop_front();
    ASSERT_LE(list.memory_bytes(), 3u * kChunkBytesMax);
  }
  for (int i = 0; i < 50'000; i++) {
    list.push_front(kItem);
    list.pop_back();
    ASSERT_LE(list.memory_bytes(), 3u * kChunkBytesMax);
  }
  EXPECT_EQ(list.size(), 100u);
}

TEST(BlockList, BytesOfBigElementsAreCounted) {
  BlockList list;
  list.push_back("small");
  list.push_back(std::string(50'000, 'b'));
  list.push_front(std::string(50'000, 'a'));
  EXPECT_GE(list.memory_bytes(), 100'000u);
  BlockList const frozen = list.freeze();
  list.set(0, std::string(10, 'c'));
  list.erase(2);
  EXPECT_LE(list.memory_bytes(), 2'000u);
  EXPECT_GE(frozen.memory_bytes(), 100'000u);
  EXPECT_EQ(frozen.at(2).text, std::string(50'000, 'b'));
  EXPECT_EQ(text_of(list.at(0)), std::string(10, 'c'));
}

TEST(BlockList, FrozenHandlesAreReadOnOtherThreadsWhileTheWriterGoesOn) {
  Random random(10);
  BlockList list;
  std::vector<std::thread> readers;
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 4'000; i++) {
      std::string const text = std::to_string(round) + std::string(i % 400 ? 20 : 2'000, 'x');
      if (i % 2 == 0) {
        list.push_back(text);
      } else {
        list.push_front(text);
      }
    }
    readers.emplace_back([frozen = list.freeze(), round] {
      uint64_t count = 0;
      for (BlockList::Cursor at = frozen.first(); at; at.next()) {
        EXPECT_LE(text_of(at.element())[0], '0' + round);
        count++;
      }
      EXPECT_EQ(count, frozen.size());
    });
    for (int i = 0; i < 500; i++) list.set(random.below(list.size()), "0");
    for (int i = 0; i < 500; i++) list.set(random.below(list.size()), "0:changed");
    for (int i = 0; i < 500; i++) list.pop_front();
    list.remove("0", 100);
    for (uint64_t i = list.size(); i-- > 0 && i > list.size() - 500;) list.erase(i / 2);
  }
  for (std::thread& reader : readers) reader.join();
  ASSERT_NO_FATAL_FAILURE(verify(list));
}

}  // namespace
}  // namespace holdfast
