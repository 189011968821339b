#include "structures/stream_entries.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

using Texts = std::vector<std::string>;
using Model = std::map<StreamId, Texts>;

Texts texts_of(StreamEntry const& entry) {
  Texts texts;
  entry.for_each_pair([&](StreamText const& field, StreamText const& value) {
    texts.emplace_back(field.bytes);
    texts.emplace_back(value.bytes);
  });
  return texts;
}

std::vector<std::string_view> views(Texts const& texts) { return {texts.begin(), texts.end()}; }

void expect_same(StreamEntries const& entries, Model const& model) {
  entries.tree().verify([](bool holds) { ASSERT_TRUE(holds); });
  ASSERT_EQ(entries.size(), model.size());
  auto at = entries.first();
  uint64_t rank = 0;
  for (auto const& [id, texts] : model) {
    ASSERT_TRUE(at);
    ASSERT_EQ(at.id(), id);
    ASSERT_EQ(at.rank(), rank++);
    ASSERT_EQ(texts_of(at.entry()), texts);
    at.next();
  }
  ASSERT_FALSE(at);
  StreamEntries::Backward back(entries, StreamId::max());
  for (auto it = model.rbegin(); it != model.rend(); ++it, back.next()) {
    ASSERT_TRUE(back);
    ASSERT_EQ(back.entry().id(), it->first);
    ASSERT_EQ(texts_of(back.entry()), it->second);
  }
  ASSERT_FALSE(back);
  ASSERT_EQ(entries.first_id(), model.empty() ? StreamId() : model.begin()->first);
  ASSERT_EQ(entries.last_id(), model.empty() ? StreamId() : model.rbegin()->first);
}

class Writer {
 public:
  explicit Writer(uint64_t seed) : random(seed) {}

  /// Ids that go on as those of real streams do, and some that jump.
  StreamId next_id() {
    switch (random.below(8)) {
      case 0: last.ms += 1 + random.below(100), last.seq = 0; break;
      case 1: last.ms += random.below(1'000'000) + 1, last.seq = random.below(3) * random.below(1'000'000); break;
      case 2: last.seq += 1 + random.below(300); break;
      case 3: last.ms += 1, last.seq = 0; break;
      default: last = *last.next();
    }
    return last;
  }
  Texts next_texts() {
    Texts texts;
    uint64_t const pairs = random.below(10) == 0 ? 1 + random.below(20) : 2;
    for (uint64_t i = 0; i < pairs; i++) {
      texts.push_back(random.below(12) == 0 ? "other" + std::to_string(random.below(5)) : "field" + std::to_string(i));
      texts.push_back(value());
    }
    return texts;
  }
  std::string value() {
    switch (random.below(40)) {
      case 0: return std::string(1025 + random.below(5000), 'b');
      case 1: return std::string(230 + random.below(30), 'm');
      case 2: return std::string(900 + random.below(125), 'l');
      case 3: return "";
      case 4: return std::string(170 + random.below(12), 's');
      case 5: return std::to_string(static_cast<int64_t>(random.next()) >> random.below(64));
      default: return std::to_string(random.below(100'000));
    }
  }

  Random random;
  StreamId last{1'700'000'000'000, 5};
};

TEST(StreamEntries, DoesWhatAMapDoes) {
  for (uint64_t entries_max : {0, 3, 100}) {
    Writer writer(entries_max + 3);
    StreamEntries entries;
    Model model;
    StreamNodeLimits const limits{.bytes = 4096, .entries = entries_max};
    for (int round = 0; round < 12'000; round++) {
      bool const growing = round / 3000 % 2 == 0;
      uint64_t const dice = writer.random.below(10);
      if (model.empty() || dice < (growing ? 7u : 2u)) {
        StreamId const id = writer.next_id();
        Texts const texts = writer.next_texts();
        entries.append(id, views(texts), limits);
        model.emplace(id, texts);
      } else if (dice < 9) {
        auto at = model.begin();
        std::advance(at, static_cast<ptrdiff_t>(writer.random.below(std::min<size_t>(model.size(), 300))));
        if (writer.random.below(4) == 0) at = std::prev(model.end());
        StreamId const id = at->first;
        ASSERT_TRUE(entries.erase(id));
        ASSERT_FALSE(entries.erase(id));
        ASSERT_FALSE(entries.contains(id));
        model.erase(at);
      } else {
        uint64_t const count = writer.random.below(std::min<size_t>(model.size(), 5)) + 1;
        entries.erase_front(count);
        model.erase(model.begin(), std::next(model.begin(), static_cast<ptrdiff_t>(count)));
      }
      if (round % 400 == 0) expect_same(entries, model);
      if (round % 50 != 0 || model.empty()) continue;
      StreamId probe = std::next(model.begin(), static_cast<ptrdiff_t>(writer.random.below(model.size())))->first;
      if (writer.random.below(2) == 0) probe.seq += writer.random.below(3);
      auto const expected = model.lower_bound(probe);
      auto const at = entries.lower_bound(probe);
      ASSERT_EQ(static_cast<bool>(at), expected != model.end());
      if (at) {
        ASSERT_EQ(at.id(), expected->first);
      }
      ASSERT_EQ(entries.rank(probe), static_cast<uint64_t>(std::distance(model.begin(), expected)));
      auto forward = entries.first();
      forward.seek_forward(probe);
      ASSERT_EQ(static_cast<bool>(forward), expected != model.end());
      if (forward) {
        ASSERT_EQ(texts_of(forward.entry()), expected->second);
      }
      StreamEntries::Backward const back(entries, probe);
      auto const above = model.upper_bound(probe);
      ASSERT_EQ(static_cast<bool>(back), above != model.begin());
      if (back) {
        ASSERT_EQ(back.entry().id(), std::prev(above)->first);
      }
    }
    expect_same(entries, model);
    entries.erase_front(entries.size());
    EXPECT_EQ(entries.memory_bytes(), 0u);
  }
}

TEST(StreamEntries, AFrozenOneStaysAsItWasOnAnotherThread) {
  Writer writer(5);
  StreamEntries entries;
  Model model;
  StreamNodeLimits const limits{.bytes = 4096, .entries = 100};
  for (int i = 0; i < 3000; i++) {
    StreamId const id = writer.next_id();
    Texts const texts = writer.next_texts();
    entries.append(id, views(texts), limits);
    model.emplace(id, texts);
  }
  std::thread reader([frozen = entries.freeze(), before = model]() mutable {
    expect_same(frozen, before);
    frozen = StreamEntries();
  });
  for (int round = 0; round < 2000; round++) {
    auto const at = std::next(model.begin(), static_cast<ptrdiff_t>(writer.random.below(50)));
    ASSERT_TRUE(entries.erase(at->first));
    model.erase(at);
    StreamId const id = writer.next_id();
    Texts const texts = writer.next_texts();
    entries.append(id, views(texts), limits);
    model.emplace(id, texts);
  }
  reader.join();
  expect_same(entries, model);
}

TEST(StreamEntries, ApproximateTrimmingTakesWholeNodes) {
  StreamEntries entries;
  std::vector<std::string_view> const pair = {"f", "v"};
  for (uint64_t i = 1; i <= 95; i++) entries.append({i, 0}, pair, {.bytes = 4096, .entries = 10});
  EXPECT_EQ(entries.nodes(), 10u);
  StreamTrim trim{.entries_max = 50, .approximate = true};
  EXPECT_EQ(entries.count_of(trim), 40u);
  trim.entries_max = 95;
  EXPECT_EQ(entries.count_of(trim), 0u);
  trim.entries_max = 0;
  EXPECT_EQ(entries.count_of(trim), 95u);
  trim.removed_max = 25;
  EXPECT_EQ(entries.count_of(trim), 20u);
  StreamTrim by_id{.by = StreamTrim::By::kId, .min_id = {35, 0}, .approximate = true};
  EXPECT_EQ(entries.count_of(by_id), 30u);
  by_id.min_id = {31, 0};
  EXPECT_EQ(entries.count_of(by_id), 30u);
  by_id.approximate = false;
  EXPECT_EQ(entries.count_of(by_id), 30u);
  by_id.min_id = {30, 0};
  EXPECT_EQ(entries.count_of(by_id), 29u);
}

TEST(StreamEntries, ANodeWhoseLastEntriesAreDeletedGoesOn) {
  StreamEntries entries;
  std::vector<std::string_view> const pair = {"f", "v"};
  StreamNodeLimits const limits{.bytes = 4096, .entries = 10};
  for (uint64_t i = 1; i <= 5; i++) entries.append({i, 7}, pair, limits);
  EXPECT_TRUE(entries.erase({5, 7}));
  EXPECT_TRUE(entries.erase({4, 7}));
  EXPECT_EQ(entries.last_id(), (StreamId{3, 7}));
  for (uint64_t i = 6; i <= 11; i++) entries.append({i, 7}, pair, limits);
  EXPECT_EQ(entries.nodes(), 2u);  // deleted entries count as long as their node is there
  EXPECT_EQ(entries.rank({7, 0}), 4u);
}

TEST(StreamEntries, TextsOfNumbersComeBackAsTheyWere) {
  Texts values{"-0", "00", "01", "+1", " 1", "1 ", "1.0", "1e3", "18446744073709551615"};
  values.insert(values.end(), {"9223372036854775808", "-9223372036854775809"});
  for (int bits = 0; bits < 64; bits++) {
    auto const power = static_cast<int64_t>((uint64_t{1} << bits) - 1);
    for (int64_t value : {power - 1, power, power + int64_t{bits < 63}}) {
      values.push_back(std::to_string(value));
      values.push_back(std::to_string(~value));
    }
  }
  StreamEntries entries;
  Model model;
  StreamId id{1, 1};
  for (std::string const& value : values) {
    // The second entry has other names than the first of its node: they lie among the values.
    for (std::string const& name : {std::string("name"), value}) {
      id = *id.next();
      Texts const texts{name, value};
      entries.append(id, views(texts), {.bytes = 0, .entries = 0});
      model.emplace(id, texts);
    }
  }
  expect_same(entries, model);
}

TEST(StreamEntries, AnEntryTakesLittleMoreThanItsValues) {
  StreamEntries entries;
  uint64_t bytes = 0;
  for (uint64_t i = 0; i < 100'000; i++) {
    std::string const value = "value:" + std::to_string(i);
    std::vector<std::string_view> const pair = {"field", value};
    entries.append({1'700'000'000'000 + i / 2, i % 2}, pair, {.bytes = 4096, .entries = 100});
    bytes += value.size();
  }
  EXPECT_LT(entries.memory_bytes(), bytes + 100'000u * 5);
}

}  // namespace
}  // namespace holdfast
