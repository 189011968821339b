#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "command/session.h"
#include "commands/stream_access.h"
#include "commands/stream_help.h"
#include "commands/stream_reply.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

/// The stream of XINFO's key; null when the error is written.
Record* find_stream(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[2]);
  if (!record) {
    reply.error(errors::kNoSuchKey);
    return nullptr;
  }
  return is_type_or_missing(record, ValueType::kStream, reply) ? record : nullptr;
}

void reply_id(std::string_view name, StreamId id, Reply& reply) {
  reply.bulk(name);
  reply_stream_id(id, reply);
}

/// The fields that both forms of XINFO STREAM begin with.
constexpr size_t kHeadFields = 7;
void reply_head(StreamBody const& stream, Reply& reply) {
  uint64_t const nodes = stream.entries().nodes();
  reply.field("length", stream.size());
  reply.field("radix-tree-keys", nodes);
  reply.field("radix-tree-nodes", nodes + 1);
  reply_id("last-generated-id", stream.last_id, reply);
  reply_id("max-deleted-entry-id", stream.max_deleted_id, reply);
  reply.field("entries-added", stream.entries_added);
  reply_id("recorded-first-entry-id", stream.first_id(), reply);
}

void reply_short(StreamBody const& stream, Reply& reply) {
  reply.map(kHeadFields + 3);
  reply_head(stream, reply);
  reply.field("groups", stream.groups());
  reply.bulk("first-entry");
  if (auto const first = stream.entries().first()) {
    reply_entry(first.entry(), reply);
  } else {
    reply.null();
  }
  reply.bulk("last-entry");
  if (StreamEntries::Backward const last(stream.entries(), StreamId::max()); last) {
    reply_entry(last.entry(), reply);
  } else {
    reply.null();
  }
}

void reply_position(StreamBody const& stream, StreamGroup const& group, Reply& reply) {
  reply.bulk("entries-read");
  if (group.entries_read == StreamGroup::kUnknown) {
    reply.null();
  } else {
    reply.integer(group.entries_read);
  }
  reply.bulk("lag");
  if (std::optional<int64_t> const lag = stream.lag_of(group)) {
    reply.integer(*lag);
  } else {
    reply.null();
  }
}

void reply_full_consumer(StreamGroup const& group, StreamConsumer const& consumer, uint64_t count, Reply& reply) {
  reply.map(5);
  reply.field("name", consumer.name);
  reply.field("seen-time", consumer.seen_ms);
  reply.field("active-time", consumer.active_ms);
  reply.field("pel-count", consumer.pending.size());
  reply.bulk("pending");
  uint64_t left = std::min(count, consumer.pending.size());
  reply.array(left);
  for (auto at = consumer.pending.first(); left > 0; at.next(), left--) {
    PendingEntry const& entry = *group.find_pending(at.id());
    reply.array(3);
    reply_stream_id(at.id(), reply);
    reply.integer(entry.delivered_ms);
    reply.integer(static_cast<int64_t>(entry.deliveries));
  }
}

void reply_full_group(StreamBody const& stream, StreamGroup const& group, uint64_t count, Reply& reply) {
  reply.map(7);
  reply.field("name", group.name());
  reply_id("last-delivered-id", group.last_id, reply);
  reply_position(stream, group, reply);
  reply.field("pel-count", group.pending().size());
  reply.bulk("pending");
  uint64_t left = std::min(count, group.pending().size());
  reply.array(left);
  for (auto at = group.pending().first(); left > 0; at.next(), left--) {
    reply.array(4);
    reply_stream_id(at.id(), reply);
    reply.bulk(group.consumer(at.payload().consumer).name);
    reply.integer(at.payload().delivered_ms);
    reply.integer(static_cast<int64_t>(at.payload().deliveries));
  }
  reply.bulk("consumers");
  reply.array(group.consumers());
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    reply_full_consumer(group, group.consumer(group.consumer_at(rank)), count, reply);
  }
}

/// XINFO STREAM FULL, from a frozen copy: first the entries, then one group after the other.
class FullSource final : public ReplySource {
 public:
  FullSource(DetachedValue value, uint64_t count)
      : value_(std::move(value)), stream_(stream_of(value_.view())), count_(count), at_(stream_.entries().first()) {}

  bool write(Reply& reply, size_t elements_max) override {
    if (!begun_) {
      begun_ = true;
      left_ = std::min(count_, stream_.size());
      reply.map(kHeadFields + 2);
      reply_head(stream_, reply);
      reply.bulk("entries");
      reply.array(left_);
    }
    for (; left_ > 0 && elements_max > 0; left_--, elements_max--, at_.next()) reply_entry(at_.entry(), reply);
    if (left_ > 0) return true;
    if (!groups_begun_) {
      groups_begun_ = true;
      reply.bulk("groups");
      reply.array(stream_.groups());
    }
    if (group_ < stream_.groups()) reply_full_group(stream_, stream_.group(group_++), count_, reply);
    return group_ < stream_.groups();
  }

 private:
  DetachedValue value_;
  StreamBody const& stream_;
  uint64_t count_;
  StreamEntries::Cursor at_;
  uint64_t left_ = 0;
  size_t group_ = 0;
  bool begun_ = false;
  bool groups_begun_ = false;
};

void cmd_stream(Txn& txn, Args args, Reply& reply) {
  Record* record = find_stream(txn, args, reply);
  if (!record) return;
  if (args.size() == 3) return reply_short(stream_of(record), reply);
  constexpr uint64_t kCountDefault = 10;
  uint64_t count = kCountDefault;
  bool const with_count = args.size() == 6 && args.is(4, "COUNT");
  if (!args.is(3, "FULL") || (args.size() != 4 && !with_count)) return reply_unknown_stream_option(args, reply);
  if (with_count) {
    std::optional<int64_t> const given = args.integer(5, reply);
    if (!given) return;
    if (*given >= 0) count = *given == 0 ? UINT64_MAX : static_cast<uint64_t>(*given);
  }
  reply.follow(std::make_unique<FullSource>(txn.copy_value(record), count));
}

void cmd_groups(Txn& txn, Args args, Reply& reply) {
  Record* record = find_stream(txn, args, reply);
  if (!record) return;
  StreamBody const& stream = stream_of(record);
  reply.array(stream.groups());
  for (size_t i = 0; i < stream.groups(); i++) {
    StreamGroup const& group = stream.group(i);
    reply.map(6);
    reply.field("name", group.name());
    reply.field("consumers", group.consumers());
    reply.field("pending", group.pending().size());
    reply_id("last-delivered-id", group.last_id, reply);
    reply_position(stream, group, reply);
  }
}

void cmd_consumers(Txn& txn, Args args, Reply& reply) {
  Record* record = find_stream(txn, args, reply);
  if (!record) return;
  std::optional<size_t> const index = stream_of(record).find_group(args[3]);
  if (!index) return reply_no_such_group(args[3], args[2], reply);
  StreamGroup const& group = stream_of(record).group(*index);
  reply.array(group.consumers());
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    StreamConsumer const& consumer = group.consumer(group.consumer_at(rank));
    reply.map(4);
    reply.field("name", consumer.name);
    reply.field("pending", consumer.pending.size());
    reply.field("idle", std::max<int64_t>(0, txn.now_ms() - consumer.seen_ms));
    reply.field("inactive", consumer.active_ms == -1 ? -1 : std::max<int64_t>(0, txn.now_ms() - consumer.active_ms));
  }
}

void cmd_help(Session&, Args, Reply& reply) {
  static constexpr StreamHelpLine kLines[] = {
      {"CONSUMERS <key> <groupname>", "Answers the consumers of a group."},
      {"GROUPS <key>", "Answers the groups of a stream."},
      {"STREAM <key> [FULL [COUNT <count>]", "Answers what there is to know about a stream."},
  };
  reply_stream_help("XINFO", kLines, reply);
}

constexpr CommandRow kStreamInfoRows[] = {
    {.name = "xinfo", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "stream",
     .since = "5.0.0", .complexity = "Depends on subcommand.", .summary = "Questions about streams.", .syntax = "",
     .handler = {}},
    {.name = "xinfo|consumers", .arity = 4, .flags = "readonly", .keys = "RO access i2 r(0,1,0)",
     .categories = "stream", .tips = "nondeterministic_output", .group = "stream", .since = "5.0.0",
     .complexity = "O(C) for C consumers", .summary = "Answers the consumers of a group.",
     .syntax = "key:key groupname:string", .handler = &cmd_consumers},
    {.name = "xinfo|groups", .arity = 3, .flags = "readonly", .keys = "RO access i2 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(G) for G groups",
     .summary = "Answers the groups of a stream.", .syntax = "key:key", .handler = &cmd_groups,
     .history = "7.0.0: Answers also `entries-read` and `lag`."},
    {.name = "xinfo|stream", .arity = -3, .flags = "readonly", .keys = "RO access i2 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(N) for N nodes / 63; FULL: and what it answers",
     .summary = "Answers what there is to know about a stream.",
     .syntax = "key:key [FULL full:block([COUNT count:integer])]", .handler = &cmd_stream,
     .history = "6.0.0: Takes `FULL`.; 7.0.0: Answers also `max-deleted-entry-id`, `entries-added`, "
                "`recorded-first-entry-id`, `entries-read` and `lag`."},
    {.name = "xinfo|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "stream", .tips = "",
     .group = "stream", .since = "5.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help},
};

}  // namespace

CommandRows stream_info_commands() { return kStreamInfoRows; }

}  // namespace holdfast
