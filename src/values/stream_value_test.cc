#include "values/stream_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "values/stream_ops.h"

namespace holdfast {
namespace {

constexpr StreamNodeLimits kLimits{.bytes = 4096, .entries = 10};

std::string written(StreamBody& stream) {
  std::string payload;
  RdbWriter writer(payload);
  ValueView const view{.type = ValueType::kStream, .encoding = Encoding::kBody, .body = &stream};
  EXPECT_TRUE(stream_ops().write_rdb(view, writer, {}));
  return payload;
}

void append(StreamBody& stream, StreamId id) {
  std::string_view const pair[] = {"field", "value"};
  stream.append(id, pair, kLimits);
}

/// Entries 1-0, 2-0, ... last-0.
StreamBody made(uint64_t last) {
  StreamBody stream;
  for (uint64_t ms = 1; ms <= last; ms++) append(stream, {ms, 0});
  return stream;
}

size_t sum_of_parts(StreamBody const& stream) {
  size_t bytes = sizeof(StreamBody) + stream.entries().memory_bytes();
  for (size_t i = 0; i < stream.groups(); i++) bytes += stream.group(i).memory_bytes();
  return bytes;
}

TEST(StreamValue, IdsAreWrittenAsText) {
  EXPECT_EQ(StreamIdText(StreamId()).view(), "0-0");
  EXPECT_EQ(StreamIdText(StreamId{1'700'000'000'000, 5}).view(), "1700000000000-5");
  EXPECT_EQ(StreamIdText(StreamId::max()).view(), "18446744073709551615-18446744073709551615");
}

TEST(StreamValue, RemembersWhatWasAddedAndDeleted) {
  StreamBody stream = made(5);
  EXPECT_EQ(stream.entries_added, 5u);
  EXPECT_EQ(stream.last_id, (StreamId{5, 0}));
  EXPECT_TRUE(stream.erase({4, 0}));
  EXPECT_FALSE(stream.erase({4, 0}));
  EXPECT_TRUE(stream.erase({2, 0}));
  EXPECT_EQ(stream.max_deleted_id, (StreamId{4, 0})) << "the greatest, not the last";
  EXPECT_TRUE(stream.erase({5, 0}));
  EXPECT_EQ(stream.last_id, (StreamId{5, 0})) << "an id is not given twice";
  stream.erase_front(1);
  EXPECT_EQ(stream.first_id(), (StreamId{3, 0}));
  EXPECT_EQ(stream.max_deleted_id, (StreamId{5, 0})) << "trimming is no deletion";
  EXPECT_EQ(stream.entries_added, 5u);
}

TEST(StreamValue, OnlyDeletionsInsideAreGaps) {
  StreamBody stream = made(9);
  EXPECT_FALSE(stream.has_gaps_from({1, 0}));
  stream.erase({5, 0});
  EXPECT_TRUE(stream.has_gaps_from({1, 0}));
  EXPECT_TRUE(stream.has_gaps_from({5, 0}));
  EXPECT_FALSE(stream.has_gaps_from({5, 1}));
  stream.erase_front(4);
  EXPECT_EQ(stream.first_id(), (StreamId{6, 0}));
  EXPECT_FALSE(stream.has_gaps_from({1, 0})) << "what was deleted lies before the first entry";
}

TEST(StreamValue, LagIsWhatIsKnown) {
  auto lag = [](StreamBody const& stream, StreamId last, int64_t read) {
    return stream.lag_of(StreamGroup("g", last, read));
  };
  EXPECT_EQ(lag(StreamBody(), {7, 0}, StreamGroup::kUnknown), 0);
  StreamBody stream = made(9);
  EXPECT_EQ(lag(stream, {3, 0}, 3), 6);
  EXPECT_EQ(lag(stream, {3, 0}, StreamGroup::kUnknown), std::nullopt);
  EXPECT_EQ(lag(stream, {9, 0}, StreamGroup::kUnknown), 0);
  EXPECT_EQ(lag(stream, {0, 5}, StreamGroup::kUnknown), 9);
  EXPECT_EQ(lag(stream, {1, 0}, StreamGroup::kUnknown), 8);
  EXPECT_EQ(lag(stream, {10, 0}, StreamGroup::kUnknown), std::nullopt);
  stream.erase({6, 0});
  EXPECT_EQ(lag(stream, {3, 0}, 3), std::nullopt);
  EXPECT_EQ(lag(stream, {6, 1}, 6), 3);
  stream.erase_front(stream.size());
  EXPECT_EQ(lag(stream, {3, 0}, 3), 6) << "what was not read counts also when it is gone";
  EXPECT_EQ(lag(stream, {3, 0}, StreamGroup::kUnknown), 0);
}

TEST(StreamValue, GroupsAreInTheOrderOfTheirNames) {
  StreamBody stream;
  for (std::string const name : {"m", "b", "", "z", "\xFF", "a"}) stream.add_group(StreamGroup(name, {}, 0));
  std::vector<std::string> names;
  for (size_t i = 0; i < stream.groups(); i++) names.push_back(stream.group(i).name());
  EXPECT_EQ(names, (std::vector<std::string>{"", "a", "b", "m", "z", "\xFF"}));
  EXPECT_EQ(stream.find_group("b"), 2u);
  EXPECT_EQ(stream.find_group("c"), std::nullopt);
  stream.remove_group(2);
  EXPECT_EQ(stream.find_group("b"), std::nullopt);
  EXPECT_EQ(stream.find_group("m"), 2u);
  EXPECT_EQ(stream.memory_bytes(), sum_of_parts(stream));
}

// ---- groups against a model ----

struct ModelEntry {
  int64_t delivered_ms;
  uint64_t deliveries;
  std::string consumer;
};

struct ModelGroup {
  std::map<StreamId, ModelEntry> pending;
  std::map<std::string, std::pair<int64_t, int64_t>> consumers;  ///< seen, active

  uint64_t forget(std::string const& consumer) {
    consumers.erase(consumer);
    return std::erase_if(pending, [&](auto const& entry) { return entry.second.consumer == consumer; });
  }
};

void expect_same(StreamGroup const& group, ModelGroup const& model) {
  ASSERT_EQ(group.consumers(), model.consumers.size());
  size_t rank = 0;
  for (auto const& [name, times] : model.consumers) {
    ConsumerIndex const index = group.consumer_at(rank++);
    StreamConsumer const& consumer = group.consumer(index);
    ASSERT_EQ(consumer.name, name);
    ASSERT_EQ(std::pair(consumer.seen_ms, consumer.active_ms), times);
    ASSERT_EQ(group.find_consumer(name), index);
    auto at = consumer.pending.first();
    for (auto const& [id, entry] : model.pending) {
      if (entry.consumer != name) continue;
      ASSERT_TRUE(at);
      ASSERT_EQ(at.id(), id);
      at.next();
    }
    ASSERT_FALSE(at);
  }
  ASSERT_EQ(group.pending().size(), model.pending.size());
  auto at = group.pending().first();
  for (auto const& [id, entry] : model.pending) {
    ASSERT_EQ(at.id(), id);
    ASSERT_EQ(at.payload().delivered_ms, entry.delivered_ms);
    ASSERT_EQ(at.payload().deliveries, entry.deliveries);
    ASSERT_EQ(group.consumer(at.payload().consumer).name, entry.consumer);
    at.next();
  }
  ASSERT_FALSE(at);
}

class GroupPlayer {
 public:
  explicit GroupPlayer(uint64_t seed) : random_(seed) {
    for (char const* name : {"one", "two"}) stream_.add_group(StreamGroup(name, {}, 0));
  }

  void step() {
    size_t const index = random_.below(stream_.groups());
    ModelGroup& model = models_[stream_.group(index).name()];
    auto const group = stream_.edit_group(index);
    std::string const name = "consumer " + std::to_string(random_.below(6)) + std::string(random_.below(2) * 40, '.');
    StreamId const id{random_.below(40), random_.below(60)};
    now_ms_ += static_cast<int64_t>(random_.below(3));
    switch (random_.below(9)) {
      case 0: remove_consumer(*group, model, name); break;
      case 1:
      case 2: acknowledge(*group, model, id); break;
      case 3: redeliver(*group, model, id); break;
      default: assign(*group, model, id, name);
    }
  }
  void verify() {
    for (size_t i = 0; i < stream_.groups(); i++) expect_same(stream_.group(i), models_[stream_.group(i).name()]);
    ASSERT_EQ(stream_.memory_bytes(), sum_of_parts(stream_));
  }
  StreamBody& stream() { return stream_; }

 private:
  void remove_consumer(StreamGroup& group, ModelGroup& model, std::string const& name) {
    std::optional<ConsumerIndex> const consumer = group.find_consumer(name);
    ASSERT_EQ(consumer.has_value(), model.consumers.contains(name));
    // Rarely those that have much.
    if (consumer && (group.consumer(*consumer).pending.size() < 20 || random_.below(20) == 0)) {
      ASSERT_EQ(group.remove_consumer(*consumer), model.forget(name));
    }
  }
  void acknowledge(StreamGroup& group, ModelGroup& model, StreamId id) {
    if (random_.below(2) == 0 && !model.pending.empty()) id = model.pending.begin()->first;
    ASSERT_EQ(group.acknowledge(id), model.pending.erase(id) > 0);
  }
  void redeliver(StreamGroup& group, ModelGroup& model, StreamId id) {
    auto const at = model.pending.lower_bound(id);
    if (at == model.pending.end()) return;
    group.redeliver(at->first, now_ms_);
    at->second.delivered_ms = now_ms_;
    at->second.deliveries++;
  }
  void assign(StreamGroup& group, ModelGroup& model, StreamId id, std::string const& name) {
    std::optional<ConsumerIndex> consumer = group.find_consumer(name);
    if (!consumer) {
      consumer = group.add_consumer(name, now_ms_);
      model.consumers[name] = {now_ms_, -1};
    }
    bool const active = random_.below(2) == 0;
    group.see(*consumer, now_ms_, active);
    model.consumers[name].first = now_ms_;
    if (active) model.consumers[name].second = now_ms_;
    uint64_t const deliveries = random_.below(5);
    group.assign(id, {now_ms_, deliveries, *consumer});
    model.pending[id] = {now_ms_, deliveries, name};
  }

  Random random_;
  int64_t now_ms_ = 1000;
  StreamBody stream_;
  std::map<std::string, ModelGroup> models_;
};

TEST(StreamValue, GroupsDoWhatAModelDoes) {
  GroupPlayer player(5);
  for (int round = 0; round < 20'000; round++) {
    player.step();
    if (round % 200 == 0) player.verify();
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(StreamValue, AFrozenStreamStaysAsItWas) {
  GroupPlayer player(6);
  std::vector<std::pair<std::unique_ptr<Body>, std::string>> frozen;
  uint64_t ms = 0;
  for (int round = 0; round < 3000; round++) {
    player.step();
    append(player.stream(), {++ms, 0});
    if (round % 7 == 0) player.stream().erase({ms / 2, 0});
    if (round % 100 == 50) player.stream().erase_front(player.stream().size() / 2);
    if (round % 100 == 0) frozen.emplace_back(player.stream().freeze(), written(player.stream()));
  }
  player.verify();
  for (auto& [body, payload] : frozen) {
    StreamBody& copy = static_cast<StreamBody&>(*body);
    EXPECT_EQ(written(copy), payload);
    EXPECT_EQ(copy.memory_bytes(), sum_of_parts(copy));
    append(copy, copy.last_id.next().value());
  }
  player.verify();
}

TEST(StreamValue, MemoryFollowsPendingLists) {
  StreamBody stream;
  stream.add_group(StreamGroup("g", {}, 0));
  size_t const empty = stream.memory_bytes();
  {
    auto const group = stream.edit_group(0);
    ConsumerIndex const consumer = group->add_consumer("c", 0);
    for (uint64_t ms = 1; ms <= 10'000; ms++) group->assign({ms, 0}, {0, 1, consumer});
  }
  EXPECT_GT(stream.memory_bytes(), empty + 10'000 * (2 * sizeof(StreamId) + sizeof(PendingEntry)));
  stream.edit_group(0)->remove_consumer(0);
  EXPECT_LT(stream.memory_bytes(), empty + 100);
}

}  // namespace
}  // namespace holdfast
