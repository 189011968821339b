#include "values/stream_ops.h"

#include <memory>
#include <string>
#include <utility>

#include "values/rebuild_commands.h"
#include "values/stream_node.h"
#include "values/stream_value.h"

namespace holdfast {
namespace {

constexpr uint64_t kIdBytes = 16;
constexpr uint64_t kMillisBytes = 8;

/// The versions of the format: types 15, 19, 21.
int version_of(RdbType type) {
  switch (type) {
    case RdbType::kStreamListpacks: return 1;
    case RdbType::kStreamListpacks2: return 2;
    default: return 3;
  }
}

// ---- writing ----

void write_id(RdbWriter& writer, StreamId id) {
  writer.length(id.ms);
  writer.length(id.seq);
}

bool write_group(StreamGroup const& group, RdbWriter& writer, PieceDone const& done) {
  writer.string(group.name());
  write_id(writer, group.last_id);
  writer.length(static_cast<uint64_t>(group.entries_read));
  writer.length(group.pending().size());
  for (auto at = group.pending().first(); at; at.next()) {
    writer.stream_id(at.id().ms, at.id().seq);
    writer.fixed64_signed(at.payload().delivered_ms);
    writer.length(at.payload().deliveries);
    if (!piece_done(writer.out(), done)) return false;
  }
  writer.length(group.consumers());
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    StreamConsumer const& consumer = group.consumer(group.consumer_at(rank));
    writer.string(consumer.name);
    writer.fixed64_signed(consumer.seen_ms);
    writer.length(consumer.pending.size());
    for (auto at = consumer.pending.first(); at; at.next()) {
      writer.stream_id(at.id().ms, at.id().seq);
      if (!piece_done(writer.out(), done)) return false;
    }
  }
  return true;
}

// ---- reading ----

StreamId read_id(ByteReader& in) {
  uint64_t const ms = in.length();
  return {ms, in.length()};
}

StreamId read_raw_id(ByteReader& in) {
  uint64_t const ms = in.big_endian64();
  return {ms, in.big_endian64()};
}

/// Returns how many there are.
uint64_t read_nodes(ByteReader& in, StreamBody& stream) {
  std::string key_scratch;
  std::string scratch;
  StreamId before;
  uint64_t const nodes = in.count(2);
  for (uint64_t left = nodes; left > 0 && in.ok(); left--) {
    std::string_view const key = in.string(key_scratch);
    std::string_view const listpack = in.string(scratch);
    if (!in.ok()) break;
    if (key.size() != kIdBytes) {
      in.corrupt();
      break;
    }
    ByteReader key_reader(key);
    StreamId const id = read_raw_id(key_reader);
    StreamLeaf* leaf = id < before ? nullptr : unpack_stream_node(id, listpack, before);
    if (!leaf) {
      in.corrupt();
      break;
    }
    if (leaf->entries > 0) {
      stream.append_node(leaf);
    } else {
      StreamLeafPolicy::destroy(leaf);
    }
  }
  return nodes;
}

void read_consumer(ByteReader& in, int version, StreamGroup& group) {
  std::string scratch;
  std::string_view const name = in.string(scratch);
  int64_t const seen_ms = in.fixed64_signed();
  int64_t const active_ms = version >= 3 ? in.fixed64_signed() : seen_ms;
  if (!in.ok()) return;
  size_t const consumers = group.consumers();
  if (consumers > 0 && group.consumer(group.consumer_at(consumers - 1)).name >= name) return in.corrupt();
  ConsumerIndex const consumer = group.add_consumer(name, seen_ms);
  group.set_times(consumer, seen_ms, active_ms);
  for (uint64_t left = in.count(kIdBytes); left > 0; left--) {
    StreamId const id = read_raw_id(in);
    if (!in.ok()) return;
    PendingEntry const* pending = group.find_pending(id);
    if (!pending || pending->consumer != PendingEntry::kNobody) return in.corrupt();
    PendingEntry entry = *pending;
    entry.consumer = consumer;
    group.assign(id, entry);
  }
}

void read_group(ByteReader& in, int version, StreamBody& stream) {
  std::string scratch;
  std::string_view const name = in.string(scratch);
  StreamId const last_id = read_id(in);
  int64_t const entries_read =
      version >= 2 ? static_cast<int64_t>(in.length()) : stream.estimate_entries_read(last_id);
  if (!in.ok()) return;
  if (entries_read < StreamGroup::kUnknown) return in.corrupt();
  if (stream.groups() > 0 && stream.group(stream.groups() - 1).name() >= name) return in.corrupt();
  StreamGroup group(std::string(name), last_id, entries_read);
  for (uint64_t left = in.count(kIdBytes + kMillisBytes + 1); left > 0; left--) {
    StreamId const id = read_raw_id(in);
    int64_t const delivered_ms = in.fixed64_signed();
    uint64_t const deliveries = in.length();
    if (!in.ok()) return;
    if (!group.add_unowned(id, {delivered_ms, deliveries, PendingEntry::kNobody})) return in.corrupt();
  }
  for (uint64_t left = in.count(2 + kMillisBytes); left > 0 && in.ok(); left--) read_consumer(in, version, group);
  if (!in.ok()) return;
  uint64_t owned = 0;
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    owned += group.consumer(group.consumer_at(rank)).pending.size();
  }
  if (owned != group.pending().size()) return in.corrupt();
  stream.add_group(std::move(group));
}

// ---- commands ----

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
  append_command_head(out, words.size());
  for (std::string_view const word : words) append_command_word(out, word);
}

void append_entry(std::string& out, std::string_view key, StreamEntry const& entry) {
  append_command_head(out, 3 + uint64_t{2} * entry.pairs());
  append_command_word(out, "XADD");
  append_command_word(out, key);
  append_command_word(out, StreamIdText(entry.id()));
  entry.for_each_pair([&out](StreamText const& field, StreamText const& value) {
    append_command_word(out, field.bytes);
    append_command_word(out, value.bytes);
  });
}

bool append_group(std::string& out, std::string_view key, StreamGroup const& group, PieceDone const& done) {
  std::string_view const name = group.name();
  append_command(out, {"XGROUP", "CREATE", key, name, StreamIdText(group.last_id), "ENTRIESREAD",
                       to_text(group.entries_read)});
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    StreamConsumer const& consumer = group.consumer(group.consumer_at(rank));
    if (consumer.pending.empty()) append_command(out, {"XGROUP", "CREATECONSUMER", key, name, consumer.name});
    for (auto at = consumer.pending.first(); at; at.next()) {
      PendingEntry const& entry = *group.find_pending(at.id());
      append_command(out, {"XCLAIM", key, name, consumer.name, "0", StreamIdText(at.id()), "TIME",
                           to_text(entry.delivered_ms), "RETRYCOUNT", to_text_unsigned(entry.deliveries), "JUSTID",
                           "FORCE"});
      if (!piece_done(out, done)) return false;
    }
  }
  return piece_done(out, done);
}

class StreamOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const&) const override { return "stream"; }
  uint64_t length(ValueView const& value) const override { return stream_of(value).size(); }
  RdbType rdb_type(ValueView const&) const override { return RdbType::kStreamListpacks2; }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const override {
    StreamBody const& stream = stream_of(value);
    writer.length(stream.entries().nodes());
    for (auto at = stream.entries().tree().first(); at; at.next_leaf()) {
      StreamLeaf const& leaf = at.leaf();
      writer.stream_node_key(leaf.master.ms, leaf.master.seq);
      writer.string(pack_stream_node(leaf));
      if (!piece_done(writer.out(), done)) return false;
    }
    writer.length(stream.size());
    write_id(writer, stream.last_id);
    write_id(writer, stream.first_id());
    write_id(writer, stream.max_deleted_id);
    writer.length(stream.entries_added);
    writer.length(stream.groups());
    for (size_t i = 0; i < stream.groups(); i++) {
      if (!write_group(stream.group(i), writer, done)) return false;
    }
    return true;
  }

  std::optional<DetachedValue> read_rdb(RdbType type, ByteReader& in, ValueContext const&) const override {
    int const version = version_of(type);
    auto stream = std::make_unique<StreamBody>();
    uint64_t const nodes = read_nodes(in, *stream);
    if (in.length() > 0 && nodes == 0) in.corrupt();  // else the entries were counted
    stream->last_id = read_id(in);
    stream->entries_added = stream->size();
    if (version >= 2) {
      read_id(in);  // of the first entry: known
      stream->max_deleted_id = read_id(in);
      stream->entries_added = in.length();
    }
    if (stream->last_id < stream->entries().last_id()) in.corrupt();
    uint64_t const groups = in.count(6);
    for (uint64_t left = groups; left > 0 && in.ok(); left--) read_group(in, version, *stream);
    if (!in.ok()) return std::nullopt;
    return DetachedValue::of_body(ValueType::kStream, std::move(stream));
  }

  bool write_commands(std::string_view key, ValueView const& value, std::string& out,
                      PieceDone const& done) const override {
    StreamBody const& stream = stream_of(value);
    for (auto at = stream.entries().first(); at; at.next()) {
      append_entry(out, key, at.entry());
      if (!piece_done(out, done)) return false;
    }
    if (stream.size() == 0) append_command(out, {"XADD", key, "MAXLEN", "0", "0-1", "x", "y"});
    append_command(out, {"XSETID", key, StreamIdText(stream.last_id), "ENTRIESADDED",
                         to_text_unsigned(stream.entries_added), "MAXDELETEDID", StreamIdText(stream.max_deleted_id)});
    for (size_t i = 0; i < stream.groups(); i++) {
      if (!append_group(out, key, stream.group(i), done)) return false;
    }
    return true;
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    for (auto at = stream_of(value).entries().first(); at; at.next()) {
      std::string id = to_text_unsigned(at.id().ms);
      id.append(".").append(to_text_unsigned(at.id().seq));
      visit(id, {});
      at.entry().for_each_pair([&visit](StreamText const& field, StreamText const& text) {
        visit(field.bytes, {});
        visit(text.bytes, {});
      });
    }
  }
};

}  // namespace

TypeOps const& stream_ops() {
  static StreamOps const kOps;
  return kOps;
}

}  // namespace holdfast
