#include "values/stream_ops.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "rdb/test_vectors.h"
#include "structures/packed_list.h"
#include "structures/test_bytes.h"
#include "values/stream_value.h"

namespace holdfast {
namespace {

constexpr StreamNodeLimits kLimits{.bytes = 4096, .entries = 100};

// The parts of a payload: a node of 1000-1 {f v1} and 1000-6 {f v2}; the group's name; a pending entry 1000-1.
constexpr std::string_view kNode =
    "01 10 00000000000003E8 0000000000000001 2A 2A000000 0F00 0201 0001 0101 816602 0001 0201 0001 0001 82763103 0401 "
    "0201 0001 0501 82763203 0401 FF 02 43E8 06";
constexpr std::string_view kFirstId = "43E8 01";
constexpr std::string_view kPendingId = "00000000000003E8 0000000000000001";
constexpr std::string_view kDelivered = "0068E5CF8B010000";
constexpr int64_t kDeliveredMs = 1'700'000'000'000;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string hex;
  for (std::string_view part : parts) hex.append(part);
  return bytes_of_hex(hex);
}

class StreamOpsTest : public testing::Test {
 protected:
  StreamBody& stream() { return open_stream(edit_); }

  void add(StreamId id, std::vector<std::string> const& texts = {"field", "value"}) {
    std::vector<std::string_view> const views(texts.begin(), texts.end());
    stream().append(id, views, kLimits);
  }
  /// Entries with the same fields, with others, deleted and trimmed ones; integers, long and huge texts.
  void fill(uint64_t count) {
    Random random(count);
    for (uint64_t i = 1; i <= count; i++) {
      std::vector<std::string> texts = {"a", std::to_string(random_integer(random)), "b", random_text(random, 300)};
      if (random.below(6) == 0) texts = {"other", random_text(random, 40)};
      if (random.below(60) == 0) texts.insert(texts.end(), {"huge", std::string(3000 + i, 'h')});
      add({i / 3, i}, texts);
    }
    for (uint64_t i = 5; i < count; i += 9) stream().erase({i / 3, i});
    if (count > 20) stream().erase_front(7);
  }
  void add_group(std::string const& name, uint64_t pending, uint64_t consumers) {
    auto const group = stream().edit_group(stream().add_group(StreamGroup(name, {pending, 0}, StreamGroup::kUnknown)));
    for (uint64_t i = 0; i < consumers; i++) group->add_consumer("consumer" + std::to_string(i), kDeliveredMs);
    for (uint64_t i = 0; i < pending; i++) {
      group->assign({i, i * i}, {kDeliveredMs + static_cast<int64_t>(i), i % 4, static_cast<ConsumerIndex>(i % consumers)});
    }
  }

  static std::string written(ValueView const& value) {
    std::string payload;
    RdbWriter writer(payload);
    EXPECT_TRUE(stream_ops().write_rdb(value, writer, {}));
    return payload;
  }
  /// nullopt: damage.
  std::optional<DetachedValue> read(RdbType type, std::string_view payload) const {
    ByteReader in(payload);
    std::optional<DetachedValue> value = stream_ops().read_rdb(type, in, context_);
    return in.ok() && in.at_end() ? std::move(value) : std::nullopt;
  }
  static std::vector<std::string> texts_of(ValueView const& value) {
    std::vector<std::string> texts;
    for (auto at = stream_of(value).entries().first(); at; at.next()) {
      std::string text(StreamIdText(at.id()).view());
      at.entry().for_each_pair([&text](StreamText const& field, StreamText const& content) {
        text.append(" ").append(field.bytes).append("=").append(content.bytes);
      });
      texts.push_back(std::move(text));
    }
    return texts;
  }

  KeyHasher hasher_{1};
  ValueLimits limits_;
  ValueContext context_{hasher_, limits_};
  ValueEdit edit_{.type = ValueType::kStream};
};

TEST_F(StreamOpsTest, AllFormsThatWereEverWritten) {
  std::string const group = joined({"01 0167 ", kFirstId});
  std::string const pending = joined({"01", kPendingId, kDelivered, "01", "01 026331", kDelivered});
  std::string const owned = joined({"01", kPendingId});
  std::string const counters = joined({kFirstId, "0000 03"});
  struct Form {
    RdbType type;
    std::string payload;
    uint64_t added;
    int64_t read;
    int64_t active_ms;
  };
  std::string const node = bytes_of_hex(kNode);
  for (Form const& form :
       {Form{RdbType::kStreamListpacks, node + group + pending + owned, 2, 1, kDeliveredMs},
        Form{RdbType::kStreamListpacks2, node + counters + group + "\x02" + pending + owned, 3, 2, kDeliveredMs},
        Form{RdbType::kStreamListpacks3, node + counters + group + "\x02" + pending + std::string(8, '\xFF') + owned, 3,
             2, -1}}) {
    std::optional<DetachedValue> const value = read(form.type, form.payload);
    ASSERT_TRUE(value) << static_cast<int>(form.type);
    EXPECT_EQ(texts_of(value->view()), (std::vector<std::string>{"1000-1 f=v1", "1000-6 f=v2"}));
    StreamBody const& stream = stream_of(value->view());
    EXPECT_EQ(stream.last_id, (StreamId{1000, 6}));
    EXPECT_EQ(stream.entries_added, form.added);
    ASSERT_EQ(stream.groups(), 1u);
    StreamGroup const& read_group = stream.group(0);
    EXPECT_EQ(read_group.entries_read, form.read);
    EXPECT_EQ(read_group.last_id, (StreamId{1000, 1}));
    StreamConsumer const& consumer = read_group.consumer(*read_group.find_consumer("c1"));
    EXPECT_EQ(std::pair(consumer.seen_ms, consumer.active_ms), std::pair(kDeliveredMs, form.active_ms));
    PendingEntry const* entry = read_group.find_pending({1000, 1});
    ASSERT_TRUE(entry);
    EXPECT_EQ(std::pair(entry->delivered_ms, entry->deliveries), std::pair(kDeliveredMs, uint64_t{1}));
  }
}

TEST_F(StreamOpsTest, PayloadsThatRedisMade) {
  int met = 0;
  for (DumpVector const& vector : kDumpVectors) {
    if (!vector.what.contains(" stream ")) continue;
    constexpr size_t kFooterBytes = 10;
    std::string const payload = from_hex(vector.hex);
    auto const value =
        read(static_cast<RdbType>(payload[0]), std::string_view(payload).substr(1, payload.size() - 1 - kFooterBytes));
    ASSERT_TRUE(value) << vector.what;
    EXPECT_EQ(texts_of(value->view()), (std::vector<std::string>{"1000-1 f=v1", "1000-6 f=v2"}));
    EXPECT_EQ(stream_of(value->view()).groups(), 1u);
    met++;
  }
  EXPECT_EQ(met, 2);
}

TEST_F(StreamOpsTest, WhatIsWrittenIsReadBack) {
  for (uint64_t count : {0, 1, 5, 100, 101, 5000}) {
    edit_ = ValueEdit{.type = ValueType::kStream};
    stream();
    fill(count);
    add_group("none", 0, 1);
    add_group("some", count / 2, 3);
    std::string const payload = written(edit_.view());
    std::optional<DetachedValue> const again = read(stream_ops().rdb_type(edit_.view()), payload);
    ASSERT_TRUE(again) << count;
    EXPECT_EQ(texts_of(again->view()), texts_of(edit_.view()));
    EXPECT_EQ(stream_ops().length(again->view()), stream().size());
    EXPECT_EQ(written(again->view()), payload);
  }
}

TEST_F(StreamOpsTest, DeletedEntriesOfANodeAreLeftOut) {
  PackedListBuilder node;
  auto integers = [&node](std::initializer_list<int64_t> values) {
    for (int64_t value : values) node.append_integer(value);
  };
  integers({1, 2, 1});
  node.append("f");
  integers({0});
  for (int64_t seq = 0; seq < 3; seq++) {
    integers({seq == 1 ? 2 : 3, 0, seq});
    node.append("v" + std::to_string(seq));
    integers({4});
  }
  std::string payload;
  RdbWriter writer(payload);
  writer.length(1);
  writer.stream_node_key(7, 1);
  writer.string(node.finish());
  payload += bytes_of_hex("01 07 03 07 02 07 03 03 00");
  std::optional<DetachedValue> const value = read(RdbType::kStreamListpacks2, payload);
  ASSERT_TRUE(value);
  EXPECT_EQ(texts_of(value->view()), (std::vector<std::string>{"7-2 f=v1"}));
  EXPECT_EQ(stream_of(value->view()).max_deleted_id, (StreamId{7, 3}));
}

TEST_F(StreamOpsTest, WhatCannotBeIsDamage) {
  std::string const rest = joined({kFirstId, "0000 03"});
  std::string const sound = bytes_of_hex(kNode) + rest + std::string(1, '\0');
  ASSERT_TRUE(read(RdbType::kStreamListpacks2, sound));
  auto with = [&](size_t offset, char byte) {
    std::string bytes = sound;
    bytes[offset] = byte;
    return bytes;
  };
  size_t const list = 1 + 1 + 16 + 1;  // of the listpack
  struct Case {
    char const* what;
    std::string payload;
  };
  std::string const group_head = bytes_of_hex(kNode) + rest + joined({"01 0167", kFirstId, "01"});
  std::string const group = joined({"0167", kFirstId, "01 00 00"});
  for (Case const& damage : {
           Case{"a key of 15 bytes", with(1, 15)},
           Case{"more entries than there are", with(list + 6, 3)},
           Case{"an entry that is counted as deleted", with(list + 8, 1)},
           Case{"more names than elements", with(list + 10, 100)},
           Case{"no 0 behind the names", with(list + 15, 1)},
           Case{"unknown flags", with(list + 17, 6)},
           Case{"the number of elements", with(list + 27, 5)},
           Case{"an id twice", with(list + 33, 0)},
           Case{"the last id below that of the last entry", with(list + 42 + 3, 5)},
           Case{"entries without a node", bytes_of_hex("00 01 0000 0000 0000 00 00")},
           Case{"two groups of one name", bytes_of_hex(kNode) + rest + "\x02" + group + group},
           Case{"a pending entry of nobody", group_head + joined({"01", kPendingId, kDelivered, "01 00"})},
           Case{"a consumer's entry that the group does not have",
                group_head + joined({"00 01 026331", kDelivered, "01", kPendingId})},
           Case{"an entry of two consumers",
                group_head + joined({"01", kPendingId, kDelivered, "01 02 0161", kDelivered, "01", kPendingId, "0162",
                                     kDelivered, "01", kPendingId})},
           Case{"two consumers of one name", group_head + joined({"00 02 0161", kDelivered, "00 0161", kDelivered, "00"})},
           Case{"a pending entry twice",
                group_head + joined({"02", kPendingId, kDelivered, "01", kPendingId, kDelivered, "01 01 0161", kDelivered,
                                     "01", kPendingId})},
           Case{"nodes without end", bytes_of_hex("8100000000FFFFFFFF")},
           Case{"nothing", ""},
       }) {
    EXPECT_FALSE(read(RdbType::kStreamListpacks2, damage.payload)) << damage.what;
  }
}

/// Whatever was accepted can be walked, written, read again and changed.
void use(DetachedValue const& value, size_t input_bytes) {
  StreamBody& stream = *static_cast<StreamBody*>(value.view().body);
  constexpr size_t kBytesForAByte = 200;
  EXPECT_LT(stream.memory_bytes(), kBytesForAByte * (input_bytes + 100));
  StreamId before;
  uint64_t entries = 0;
  for (auto at = stream.entries().first(); at; at.next()) {
    ASSERT_TRUE(entries == 0 || before < at.id());
    before = at.id();
    entries++;
  }
  ASSERT_EQ(entries, stream.size());
  ASSERT_LE(before, stream.last_id);
  if (stream.last_id < StreamId::max()) {
    std::string_view const pair[] = {"field", "value"};
    stream.append(*stream.last_id.next(), pair, kLimits);
  }
  for (size_t i = 0; i < stream.groups(); i++) {
    auto const group = stream.edit_group(i);
    uint64_t owned = 0;
    for (size_t rank = 0; rank < group->consumers(); rank++) {
      owned += group->consumer(group->consumer_at(rank)).pending.size();
    }
    ASSERT_EQ(owned, group->pending().size());
    if (auto const at = group->pending().first()) {
      ASSERT_TRUE(group->acknowledge(at.id()));
    }
  }
  stream.erase(stream.first_id());
  stream.erase_front(stream.size() / 2);
}

TEST_F(StreamOpsTest, DamagedBytesEndInAFaultOrASoundStream) {
  Random random(23);
  std::vector<std::pair<RdbType, std::string>> payloads;
  for (uint64_t count : {2, 40, 130}) {
    edit_ = ValueEdit{.type = ValueType::kStream};
    for (uint64_t i = 1; i <= count; i++) add({i / 7, i}, {"f", std::to_string(i), i % 5 == 0 ? "g" : "h", "text"});
    add_group("g", count / 2, 2);
    add_group("h", 1, 3);
    payloads.emplace_back(RdbType::kStreamListpacks2, written(edit_.view()));
  }
  payloads.emplace_back(RdbType::kStreamListpacks, joined({kNode, "01 0167", kFirstId, "01", kPendingId, kDelivered,
                                                           "01 01 026331", kDelivered, "01", kPendingId}));
  int accepted = 0;
  for (int round = 0; round < 12'000; round++) {
    auto const& [type, sound] = payloads[random.below(payloads.size())];
    std::string bytes = damaged(sound, random);
    if (random.below(8) == 0) bytes.resize(random.below(bytes.size() + 1));
    ExactBytes const exact(bytes);
    std::optional<DetachedValue> value = read(type, exact.view());
    if (!value) continue;
    accepted++;
    std::string const payload = written(value->view());
    std::optional<DetachedValue> const again = read(RdbType::kStreamListpacks2, payload);
    ASSERT_TRUE(again);
    ASSERT_EQ(written(again->view()), payload);
    use(*value, bytes.size());
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, 100);
}

TEST_F(StreamOpsTest, CommandsRebuildIt) {
  add({1, 1}, {"f", "v"});
  add({1, 2}, {"f", "w", "g", "x"});
  stream().erase({1, 1});
  add_group("g", 1, 1);
  add_group("idle", 0, 1);
  std::string out;
  EXPECT_TRUE(stream_ops().write_commands("key", edit_.view(), out, {}));
  std::string words;
  for (size_t at = 0; (at = out.find("\r\n", at)) != std::string::npos;) {
    size_t const end = std::min(out.find("\r\n", at + 2), out.size());
    std::string const line = out.substr(at + 2, end - at - 2);
    if (!line.empty() && line[0] != '$') words += line[0] == '*' ? "| " : line + " ";
    at = end;
  }
  EXPECT_EQ(words,
            "XADD key 1-2 f w g x | XSETID key 1-2 ENTRIESADDED 2 MAXDELETEDID 1-1 "
            "| XGROUP CREATE key g 1-0 ENTRIESREAD -1 "
            "| XCLAIM key g consumer0 0 0-0 TIME 1700000000000 RETRYCOUNT 0 JUSTID FORCE "
            "| XGROUP CREATE key idle 0-0 ENTRIESREAD -1 | XGROUP CREATECONSUMER key idle consumer0 ");
}

TEST_F(StreamOpsTest, AnEmptyStreamIsRebuiltToo) {
  stream().last_id = {9, 9};
  std::string out;
  EXPECT_TRUE(stream_ops().write_commands("key", edit_.view(), out, {}));
  EXPECT_TRUE(out.starts_with("*7\r\n$4\r\nXADD\r\n$3\r\nkey\r\n$6\r\nMAXLEN\r\n$1\r\n0\r\n$3\r\n0-1\r\n$1\r\nx\r\n$1\r\ny\r\n*7\r\n"));
}

TEST_F(StreamOpsTest, WritingStopsWhenItIsTold) {
  for (uint64_t i = 1; i < 20'000; i++) add({i, 0});
  std::string payload;
  RdbWriter writer(payload);
  EXPECT_FALSE(stream_ops().write_rdb(edit_.view(), writer, [] { return false; }));
  EXPECT_LT(payload.size(), kValuePieceBytes + 10'000);
  std::string commands;
  EXPECT_FALSE(stream_ops().write_commands("key", edit_.view(), commands, [] { return false; }));
  EXPECT_LT(commands.size(), kValuePieceBytes + 1000);
}

TEST_F(StreamOpsTest, TheDigestSeesIdsFieldsAndValues) {
  add({1, 2}, {"f", "v", "g", "5"});
  std::vector<std::string> texts;
  stream_ops().for_digest(edit_.view(), [&](std::string_view first, std::string_view second) {
    texts.emplace_back(first);
    EXPECT_EQ(second, "");
  });
  EXPECT_EQ(texts, (std::vector<std::string>{"1.2", "f", "v", "g", "5"}));
}

}  // namespace
}  // namespace holdfast
