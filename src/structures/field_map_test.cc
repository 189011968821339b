#include "structures/field_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace holdfast {
namespace {

KeyHasher const& hasher() {
  static KeyHasher const instance(20);
  return instance;
}

struct Expected {
  std::string value;
  std::optional<int64_t> expire_ms;
  bool operator==(Expected const&) const = default;
};
using Model = std::unordered_map<std::string, Expected>;

std::string ten_bytes(uint64_t number) {
  std::string text = std::to_string(number % 10'000'000'000);
  return std::string(10 - text.size(), '0') + text;
}

/// Mostly short; now and then around the limits of the packing, and big.
size_t random_length(std::mt19937_64& random) {
  switch (random() % 40) {
    case 0:
      return 55 + random() % 15;
    case 1:
      return 120 + random() % 20;
    case 2:
      return kInlineElementBytesMax - 3 + random() % 6;
    case 3:
      return random() % 1000;
    case 4:
      return random() % 20 == 0 ? random() % 100'000 : 5000;
    default:
      return random() % 24;
  }
}

/// A field for each number; lengths 0..100 KB.
std::string field_of(uint64_t number) {
  std::mt19937_64 random(number);
  std::string field(random_length(random), 'f');
  std::string const digits = std::to_string(number);
  for (size_t i = 0; i < field.size() && i < digits.size(); i++) field[field.size() - 1 - i] = digits[i];
  return field;
}

void expect_same(FieldMap const& map, Model const& model) {
  ASSERT_EQ(map.size(), model.size());
  size_t seen = 0, expiring = 0;
  int64_t next_expiry = FieldMap::kNoExpiry;
  map.for_each([&](FieldEntry const& entry) {
    auto found = model.find(std::string(entry.field));
    ASSERT_NE(found, model.end());
    ASSERT_EQ(entry.value, found->second.value);
    ASSERT_EQ(entry.expire_ms, found->second.expire_ms);
    ASSERT_EQ(entry.value_buffer != nullptr, entry.value.size() > kInlineElementBytesMax);
    if (entry.expire_ms) {
      expiring++;
      next_expiry = std::min(next_expiry, *entry.expire_ms);
    }
    seen++;
  });
  ASSERT_EQ(seen, model.size());
  ASSERT_EQ(map.expiring_count(), expiring);
  ASSERT_LE(map.next_expiry_ms(), next_expiry);
  if (expiring == 0) {
    ASSERT_EQ(map.next_expiry_ms(), FieldMap::kNoExpiry);
  }
  for (auto const& [field, expected] : model) {
    auto entry = map.find(field);
    ASSERT_TRUE(entry);
    ASSERT_EQ(entry->field, field);
    ASSERT_EQ(entry->value, expected.value);
  }
}

/// Random changes of a map and of its model, with frozen handles taken and dropped in any order.
class Dialogue {
 public:
  explicit Dialogue(uint64_t seed) : random_(seed) {}

  void run(int steps, uint64_t fields, unsigned erase_percent) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); step++) {
      std::string const field = field_of(random_() % fields);
      if (random_() % 4 == 0) map.prefetch(std::vector<std::string_view>(random_() % 20, field));  // whatever the size
      if (random_() % 100 < erase_percent) {
        ASSERT_EQ(map.erase(field), model.erase(field) == 1);
      } else {
        change(field);
      }
      ASSERT_EQ(map.size(), model.size());
      if (random_() % 500 == 0) freeze_or_drop();
    }
    expect_same(map, model);
  }
  void check_frozen() {
    for (auto const& [frozen, then] : frozen_) expect_same(frozen, then);
  }
  void drop_frozen() {
    while (!frozen_.empty()) drop_one();
  }

  FieldMap map{hasher()};
  Model model;

 private:
  void change(std::string const& field) {
    auto known = model.find(field);
    switch (random_() % 10) {
      case 0: {  // expiry alone
        std::optional<int64_t> expire_ms;
        if (random_() % 3) expire_ms = static_cast<int64_t>(random_() % 1'000'000);
        ASSERT_EQ(map.set_expiry(field, expire_ms), known != model.end());
        if (known != model.end()) known->second.expire_ms = expire_ms;
        return;
      }
      case 1: {  // a look
        auto entry = map.find(field);
        ASSERT_EQ(entry.has_value(), known != model.end());
        ASSERT_EQ(map.contains(field), known != model.end());
        if (entry) {
          ASSERT_EQ((Expected{std::string(entry->value), entry->expire_ms}), known->second);
        }
        return;
      }
      default: {
        size_t const length =
            known != model.end() && random_() % 2 ? known->second.value.size() : random_length(random_);
        Expected expected{std::string(length, static_cast<char>('a' + random_() % 26)), std::nullopt};
        if (random_() % 8 == 0) expected.expire_ms = static_cast<int64_t>(random_() % 1'000'000);
        ASSERT_EQ(map.put(field, expected.value, expected.expire_ms), known == model.end());
        model[field] = expected;
      }
    }
  }
  void freeze_or_drop() {
    if (frozen_.size() < 3 && random_() % 2) {
      frozen_.emplace_back(map.freeze(), model);
      ASSERT_EQ(frozen_.back().first.memory_bytes(), map.memory_bytes());
    } else if (!frozen_.empty()) {
      drop_one();
    }
  }
  void drop_one() {
    auto one = frozen_.begin();
    std::advance(one, random_() % frozen_.size());
    expect_same(one->first, one->second);
    frozen_.erase(one);
  }

  std::mt19937_64 random_;
  std::list<std::pair<FieldMap, Model>> frozen_;
};

TEST(FieldMap, BehavesLikeAnUnorderedMapAndFrozenHandlesStayAsTheyAre) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    Dialogue dialogue(seed);
    dialogue.run(20'000, 3000, 20);
    dialogue.check_frozen();
    dialogue.run(10'000, 3000, 90);
    dialogue.run(10'000, 100, 50);
    dialogue.check_frozen();
    dialogue.drop_frozen();
    expect_same(dialogue.map, dialogue.model);
    while (!dialogue.model.empty()) {
      ASSERT_TRUE(dialogue.map.erase(dialogue.model.begin()->first));
      dialogue.model.erase(dialogue.model.begin());
    }
    EXPECT_EQ(dialogue.map.memory_bytes(), 0u);
  }
}

TEST(FieldMap, ManySmallFieldsAgainstTheModel) {
  std::mt19937_64 random(5);
  FieldMap map(hasher());
  std::unordered_map<uint64_t, uint64_t> model;
  uint64_t fields = 50'000;
  for (int step = 0; step < 500'000; step++) {
    if (step % 100'000 == 99'999) fields = fields == 50'000 ? 2000 : 50'000;
    uint64_t const number = random() % 50'000;
    bool const grow = number < fields && random() % 3;
    std::string const field = ten_bytes(number);
    if (grow) {
      uint64_t const value = random();
      ASSERT_EQ(map.put(field, std::to_string(value)), !model.contains(number));
      model[number] = value;
    } else {
      ASSERT_EQ(map.erase(field), model.erase(number) == 1);
    }
  }
  ASSERT_EQ(map.size(), model.size());
  for (auto [number, value] : model) ASSERT_EQ(map.find(ten_bytes(number))->value, std::to_string(value));
}

TEST(FieldMap, IsDrainedAsItWasWhileItIsWritten) {
  CopyBudget budget;
  Dialogue dialogue(8);
  dialogue.run(10'000, 3'000, 20);
  Model const then = dialogue.model;
  FieldMap frozen = dialogue.map.freeze_for_drain(budget);
  size_t const expiring = frozen.expiring_count();
  EXPECT_EQ(frozen.memory_bytes(), dialogue.map.memory_bytes());
  Model drained;
  size_t bytes = frozen.memory_bytes();
  FieldMap::Drain drain(frozen);
  while (std::optional<FieldEntry> entry = drain.next()) {
    Expected expected{std::string(entry->value), entry->expire_ms};
    ASSERT_TRUE(drained.emplace(entry->field, std::move(expected)).second);
    ASSERT_LE(frozen.memory_bytes(), bytes);
    bytes = frozen.memory_bytes();
    if (drained.size() % 10 == 0) dialogue.run(20, 3'000, 30);
  }
  EXPECT_EQ(drained, then);
  EXPECT_EQ(frozen.size(), 0u);
  EXPECT_EQ(frozen.expiring_count(), expiring);
  EXPECT_LE(frozen.memory_bytes(), 40'000u) << "nodes; of the big values nothing";
  EXPECT_EQ(budget.bytes(), 0u);
  dialogue.check_frozen();
  dialogue.drop_frozen();
  expect_same(dialogue.map, dialogue.model);
  for (auto const& [field, value] : dialogue.model) dialogue.map.erase(field);
  EXPECT_EQ(dialogue.map.memory_bytes(), 0u);
}

TEST(FieldMap, BigValuesThatAreReplacedCountAsCopied) {
  CopyBudget budget;
  FieldMap map(hasher());
  for (uint64_t i = 0; i < 1'000; i++) map.put(ten_bytes(i), std::string(10'000, 'v'));
  FieldMap frozen = map.freeze_for_drain(budget);
  FieldMap::Drain drain(frozen);
  map.put(ten_bytes(5), std::string(10'000, 'w'));
  EXPECT_GE(budget.bytes(), 10'000u);
  EXPECT_LE(budget.bytes(), 2'000'000u);
}

TEST(FieldMap, ExpiryTouchesWhatItTakes) {
  CopyBudget budget;
  FieldMap map(hasher());
  for (uint64_t i = 0; i < 1'000; i++) map.put(ten_bytes(i), "value", 1'000'000 + static_cast<int64_t>(i));
  FieldMap frozen = map.freeze_for_drain(budget);
  FieldMap::Drain drain(frozen);
  EXPECT_EQ(map.remove_expired(3'000'000, 1'000, [](FieldEntry const&) {}), 1'000u);
  EXPECT_GE(budget.bytes(), frozen.memory_bytes() / 2);
  size_t count = 0;
  while (drain.next()) count++;
  EXPECT_EQ(count, 1'000u);
}

TEST(FieldSet, BehavesLikeASet) {
  std::mt19937_64 random(6);
  FieldSet set(hasher());
  std::set<std::string> model;
  std::optional<FieldSet> frozen;
  std::set<std::string> then;
  auto expect_members = [](FieldSet const& actual, std::set<std::string> const& members) {
    std::set<std::string> seen;
    actual.for_each([&](FieldEntry const& entry) { ASSERT_TRUE(seen.insert(std::string(entry.field)).second); });
    ASSERT_EQ(seen, members);
  };
  for (int step = 0; step < 60'000; step++) {
    std::string const member = field_of(random() % 4000);
    if (random() % 3) {
      ASSERT_EQ(set.add(member), model.insert(member).second);
    } else {
      ASSERT_EQ(set.erase(member), model.erase(member) == 1);
    }
    ASSERT_EQ(set.contains(member), model.contains(member));
    if (step % 9000 == 0) {
      if (frozen) expect_members(*frozen, then);
      frozen = set.freeze();
      then = model;
    }
  }
  expect_members(set, model);
  expect_members(*frozen, then);
}

TEST(FieldSet, AddingWhatIsThereCopiesNothing) {
  FieldSet set(hasher());
  set.add("a");
  FieldSet frozen = set.freeze();
  char const* before = set.find("a")->field.data();
  EXPECT_FALSE(set.add("a"));
  EXPECT_FALSE(set.erase("b"));
  EXPECT_EQ(set.find("a")->field.data(), before);
  set.add("b");
  EXPECT_NE(set.find("a")->field.data(), before);
  EXPECT_EQ(frozen.find("a")->field.data(), before);
}

TEST(FieldMap, UpdateOfEqualSizeStaysInPlace) {
  FieldMap map(hasher());
  map.put("field", "one");
  char const* before = map.find("field")->value.data();
  EXPECT_FALSE(map.put("field", "two"));
  EXPECT_EQ(map.find("field")->value.data(), before);
  EXPECT_EQ(map.find("field")->value, "two");
}

TEST(FieldMap, ElementsOfEveryLength) {
  FieldMap map(hasher());
  for (size_t length : {0, 1, 7, 8, 9, 60, 61, 62, 63, 64, 127, 128, 255, 256, 1023, 1024, 1025, 4096, 100'000}) {
    std::string const field(length, 'f'), value(length, 'v');
    ASSERT_TRUE(map.put(field, value)) << length;
    ASSERT_TRUE(map.put(field + "x", "")) << length;
    ASSERT_FALSE(map.contains(field + "y"));
  }
  for (size_t length : {0, 1, 7, 8, 9, 60, 61, 62, 63, 64, 127, 128, 255, 256, 1023, 1024, 1025, 4096, 100'000}) {
    ASSERT_EQ(map.find(std::string(length, 'f'))->value, std::string(length, 'v')) << length;
    ASSERT_EQ(map.find(std::string(length, 'f') + "x")->value, "") << length;
  }
}

TEST(FieldMap, BigElementsAreSharedWithFrozenHandlesAndCounted) {
  FieldMap map(hasher());
  std::string const big(50'000, 'b');
  map.put(big, big);
  size_t const with_big = map.memory_bytes();
  EXPECT_GE(with_big, 2 * big.size());
  EXPECT_LT(with_big, 2 * big.size() + 500);
  FieldMap frozen = map.freeze();
  map.put("other", "x");  // copies the chunk
  EXPECT_EQ(map.find(big)->value_buffer, frozen.find(big)->value_buffer);
  map.put(big, "small");
  EXPECT_LT(map.memory_bytes(), big.size() + 500);
  EXPECT_EQ(frozen.find(big)->value, big);
  EXPECT_EQ(frozen.memory_bytes(), with_big);
  { FieldMap gone = std::move(frozen); }
  EXPECT_TRUE(map.erase(big));
  EXPECT_LT(map.memory_bytes(), 500u);
  map = FieldMap(hasher());
  EXPECT_EQ(map.memory_bytes(), 0u);
  EXPECT_TRUE(map.empty());
}

TEST(FieldMap, EraseMayBeGivenItsOwnField) {
  FieldMap map(hasher());
  std::mt19937_64 random(7);
  for (uint64_t i = 0; i < 3000; i++) map.put(field_of(i), "v");
  for (size_t left = map.size(); left > 0; left--) {
    ASSERT_TRUE(map.erase(map.random(random)->field));
    ASSERT_EQ(map.size(), left - 1);
  }
  EXPECT_FALSE(map.random(random));
}

TEST(FieldMap, MemoryPerFieldIsWithinTheTargets) {
  FieldMap map(hasher());
  FieldSet set(hasher());
  size_t next_check = 1000;
  for (uint64_t i = 1; i <= 200'000; i++) {
    std::string const text = ten_bytes(i * 2'654'435'761);
    map.put(text, text);
    set.add(text);
    if (i == 130) {
      EXPECT_LE(map.memory_bytes(), 2 * kChunkBytesMax);
    }
    if (i != next_check) continue;
    next_check += next_check / 4;  // all phases between two generations of splits
    EXPECT_LE(static_cast<double>(map.memory_bytes()) / static_cast<double>(i), 27.0) << i;
    EXPECT_LE(static_cast<double>(set.memory_bytes()) / static_cast<double>(i), 14.0) << i;
  }
}

TEST(FieldMap, ScanReturnsEverythingThatStaysWhileTheMapGrowsAndShrinks) {
  for (uint64_t seed = 1; seed <= 4; seed++) {
    std::mt19937_64 random(seed);
    FieldMap map(hasher());
    std::set<std::string> staying;
    for (uint64_t i = 0; i < 500; i++) {
      staying.insert("stays" + std::to_string(i));
      map.put("stays" + std::to_string(i), "v");
    }
    uint64_t added = 0, removed = 0;
    bool growing = seed % 2;
    if (!growing) {
      for (; added < 20'000; added++) map.put("comes" + std::to_string(added), "v");
    }
    std::set<std::string> seen;
    uint64_t cursor = 0;
    do {
      cursor =
          map.scan(cursor, 1 + random() % 20, [&](FieldEntry const& entry) { seen.insert(std::string(entry.field)); });
      ASSERT_EQ(cursor >> 48, 0u);
      if (random() % 50 == 0) growing = !growing;
      for (int i = 0; i < 300; i++) {
        if (growing && added - removed < 40'000) {
          map.put("comes" + std::to_string(added++), "v");
        } else if (!growing && removed < added) {
          ASSERT_TRUE(map.erase("comes" + std::to_string(removed++)));
        }
      }
    } while (cursor != 0);
    for (auto const& field : staying) ASSERT_TRUE(seen.contains(field)) << field;
  }
}

TEST(FieldMap, ScanOfAnUnchangedMapReturnsEachFieldOnce) {
  FieldMap map(hasher());
  EXPECT_EQ(map.scan(0, 10, [](FieldEntry const&) { FAIL(); }), 0u);
  for (uint64_t i = 0; i < 5000; i++) map.put(ten_bytes(i), "v");
  std::set<std::string> seen;
  uint64_t cursor = 0;
  do {
    size_t step = 0;
    cursor = map.scan(cursor, 10, [&](FieldEntry const& entry) {
      ASSERT_TRUE(seen.insert(std::string(entry.field)).second);
      step++;
    });
    ASSERT_LE(step, 60u);
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), map.size());
  EXPECT_EQ(map.scan(~uint64_t{0}, 10, [](FieldEntry const&) {}), 0u) << "a cursor that nobody gave";
}

/// Pearson's statistic of `draws_per_field` draws per field, in standard deviations from what a fair draw gives.
double unfairness(FieldMap const& map, size_t draws_per_field) {
  std::mt19937_64 random(9);
  std::map<std::string, size_t> drawn;
  size_t const draws = map.size() * draws_per_field;
  for (size_t i = 0; i < draws; i++) drawn[std::string(map.random(random)->field)]++;
  auto const mean = static_cast<double>(draws_per_field);
  double statistic = static_cast<double>(map.size() - drawn.size()) * mean;
  for (auto const& [field, count] : drawn) {
    double const distance = static_cast<double>(count) - mean;
    statistic += distance * distance / mean;
  }
  auto const freedom = static_cast<double>(map.size() - 1);
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

TEST(FieldMap, RandomIsFair) {
  FieldMap few(hasher()), small(hasher()), mixed(hasher()), thinned(hasher());
  for (uint64_t i = 0; i < 20; i++) few.put(ten_bytes(i), "v");
  for (uint64_t i = 0; i < 3000; i++) {
    small.put(ten_bytes(i), "v");
    mixed.put(ten_bytes(i), std::string(i % 4 ? 1 : 1000, 'v'));
    thinned.put(ten_bytes(i), "v");
  }
  for (uint64_t i = 0; i < 2200; i++) thinned.erase(ten_bytes(i));
  EXPECT_LT(std::abs(unfairness(few, 200)), 5);
  EXPECT_LT(std::abs(unfairness(small, 60)), 5);
  EXPECT_LT(std::abs(unfairness(mixed, 60)), 5);
  EXPECT_LT(std::abs(unfairness(thinned, 60)), 5);
}

TEST(FieldMap, RandomEndsWithABrokenSourceOfNumbers) {
  FieldMap map(hasher());
  for (uint64_t i = 0; i < 3000; i++) map.put(ten_bytes(i), "v");
  for (uint64_t number : {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 63})
    EXPECT_TRUE(map.random([&] { return number; }));
}

TEST(FieldMap, RemoveExpiredTakesWhatIsDueAndNoMore) {
  std::mt19937_64 random(11);
  FieldMap map(hasher());
  Model model;
  for (uint64_t i = 0; i < 5000; i++) {
    Expected expected{std::string(i % 100 == 0 ? 3000 : 5, 'v'), std::nullopt};
    if (i % 3) expected.expire_ms = static_cast<int64_t>(1'700'000'000'000 + random() % 1'000'000);
    map.put(ten_bytes(i), expected.value, expected.expire_ms);
    model[ten_bytes(i)] = expected;
  }
  FieldMap frozen = map.freeze();
  Model const then = model;
  int64_t now = 1'700'000'000'000 - 10'000;
  while (map.expiring_count() > 0) {
    ASSERT_GT(map.next_expiry_ms(), now);
    now += static_cast<int64_t>(random() % 40'000);
    size_t const limit = 1 + random() % 200;
    size_t removed;
    do {
      removed = map.remove_expired(now, limit, [&](FieldEntry const& entry) {
        ASSERT_LE(*entry.expire_ms, now);
        ASSERT_EQ(model.erase(std::string(entry.field)), 1u);
      });
      ASSERT_LE(removed, limit);
    } while (removed == limit);
    for (auto const& [field, expected] : model) ASSERT_GT(expected.expire_ms.value_or(FieldMap::kNoExpiry), now);
  }
  expect_same(map, model);
  expect_same(frozen, then);
  EXPECT_EQ(map.next_expiry_ms(), FieldMap::kNoExpiry);
}

TEST(FieldMap, RemoveExpiredMayEmptyTheMap) {
  FieldMap map(hasher());
  for (uint64_t i = 0; i < 2000; i++) map.put(ten_bytes(i), "v", 5);
  EXPECT_EQ(map.next_expiry_ms(), 5);
  EXPECT_EQ(map.remove_expired(4, 10'000, [](FieldEntry const&) {}), 0u);
  EXPECT_EQ(map.remove_expired(5, 10'000, [](FieldEntry const&) {}), 2000u);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.memory_bytes(), 0u);
}

TEST(FieldMap, PutWithoutExpiryAndEraseForgetTheExpiry) {
  FieldMap map(hasher());
  map.put("a", "1", 1000);
  map.put("b", "1", FieldEntryCodec::kExpireMsMax);
  EXPECT_EQ(map.expiring_count(), 2u);
  EXPECT_EQ(map.find("b")->expire_ms, FieldEntryCodec::kExpireMsMax);
  map.put("a", "2");
  EXPECT_EQ(map.find("a")->expire_ms, std::nullopt);
  EXPECT_EQ(map.expiring_count(), 1u);
  map.erase("b");
  EXPECT_EQ(map.expiring_count(), 0u);
  EXPECT_EQ(map.next_expiry_ms(), FieldMap::kNoExpiry);
}

TEST(FieldMap, FrozenHandlesAreReadAndDestroyedOnOtherThreads) {
  FieldMap map(hasher());
  auto number_of = [](std::string_view value) { return std::stoull(std::string(value.substr(0, value.find('x')))); };
  for (uint64_t i = 0; i < 4000; i++) map.put(ten_bytes(i), "0");
  std::mt19937_64 random(13);
  for (uint64_t round = 1; round <= 20; round++) {
    auto read = [&number_of, round](FieldMap const& frozen) {
      size_t seen = 0;
      frozen.for_each([&](FieldEntry const& entry) {
        EXPECT_LT(number_of(entry.value), round);
        seen++;
      });
      EXPECT_EQ(seen, frozen.size());
    };
    std::thread first([frozen = map.freeze(), read] { read(frozen); });
    std::thread second([frozen = map.freeze(), read] { read(frozen); });
    for (int i = 0; i < 1500; i++) {
      std::string const field = ten_bytes(random() % 5000);
      if (random() % 5 == 0) {
        map.erase(field);
      } else {
        map.put(field, std::to_string(round) + 'x' + std::string(random() % 200 ? 3 : 2000, '.'));
      }
    }
    first.join();
    second.join();
  }
}

TEST(FieldMap, IsDrainedOnAnotherThreadWhileItIsWritten) {
  CopyBudget budget;
  FieldMap map(hasher());
  std::mt19937_64 random(14);
  for (uint64_t i = 0; i < 5'000; i++) map.put(ten_bytes(i), "0");
  for (int round = 1; round <= 20; round++) {
    std::thread reader([frozen = map.freeze_for_drain(budget), size = map.size(), round]() mutable {
      std::set<std::string> fields;
      FieldMap::Drain drain(frozen);
      while (std::optional<FieldEntry> entry = drain.next()) {
        EXPECT_LT(std::stoi(std::string(entry->value.substr(0, entry->value.find('x')))), round);
        EXPECT_TRUE(fields.emplace(entry->field).second);
      }
      EXPECT_EQ(fields.size(), size);
    });
    for (int i = 0; i < 3'000; i++) {
      std::string const field = ten_bytes(random() % 6'000);
      if (random() % 5 == 0) {
        map.erase(field);
      } else {
        map.put(field, std::to_string(round) + 'x' + std::string(random() % 200 ? 3 : 2000, '.'));
      }
    }
    reader.join();
    EXPECT_EQ(budget.bytes(), 0u);
  }
}

}  // namespace
}  // namespace holdfast
