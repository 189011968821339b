#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/number.h"
#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_help.h"
#include "commands/stream_reply.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

void cmd_xack(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  std::optional<size_t> const index = record ? stream_of(record).find_group(args[2]) : std::nullopt;
  if (!index) return reply.integer(0);
  std::vector<StreamId> ids;
  ids.reserve(args.size() - 3);
  for (size_t i = 3; i < args.size(); i++) {
    std::optional<StreamId> const id = stream_id_argument(args, i, 0, StreamIdEnds::kRefused, reply);
    if (!id) return;
    ids.push_back(*id);
  }
  StreamEdit stream(txn, args[1], record);
  auto const group = stream->edit_group(*index);
  for (StreamId const id : ids) stream.changes += group->acknowledge(id) ? 1 : 0;
  reply.integer(static_cast<int64_t>(stream.changes));
}

/// XPENDING with a range.
struct PendingRange {
  int64_t idle_ms_min = 0;
  StreamId start;
  StreamId end;
  uint64_t count = 0;
  std::optional<std::string_view> consumer;
};

/// On failure writes the error.
std::optional<PendingRange> parse_range(Args args, Reply& reply) {
  PendingRange range;
  size_t first = 3;
  if (args.is(3, "IDLE")) {
    std::optional<int64_t> const idle = args.integer(4, reply);
    if (!idle) return std::nullopt;
    if (args.size() < 8) {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
    range.idle_ms_min = *idle;
    first = 5;
  }
  std::optional<int64_t> const count = args.integer(first + 2, reply);
  if (!count) return std::nullopt;
  range.count = *count < 0 ? 0 : static_cast<uint64_t>(*count);
  std::optional<StreamId> const start = stream_bound_argument(args, first, StreamBound::kStart, reply);
  if (!start) return std::nullopt;
  std::optional<StreamId> const end = stream_bound_argument(args, first + 1, StreamBound::kEnd, reply);
  if (!end) return std::nullopt;
  range.start = *start;
  range.end = *end;
  if (first + 3 < args.size()) range.consumer = args[first + 3];
  return range;
}

void reply_summary(StreamGroup const& group, Reply& reply) {
  reply.array(4);
  reply.integer(static_cast<int64_t>(group.pending().size()));
  if (group.pending().empty()) {
    reply.null();
    reply.null();
    reply.null_array();
    return;
  }
  reply_stream_id(group.pending().first().id(), reply);
  reply_stream_id(group.pending().last_id(), reply);
  size_t const mark = reply.begin_deferred();
  size_t written = 0;
  for (size_t rank = 0; rank < group.consumers(); rank++) {
    StreamConsumer const& consumer = group.consumer(group.consumer_at(rank));
    if (consumer.pending.empty()) continue;
    reply.array(2);
    reply.bulk(consumer.name);
    reply.bulk_integer(static_cast<int64_t>(consumer.pending.size()));
    written++;
  }
  reply.end_deferred_array(mark, written);
}

void reply_pending(StreamGroup const& group, StreamId id, PendingEntry const& entry, int64_t now_ms, Reply& reply) {
  reply.array(4);
  reply_stream_id(id, reply);
  reply.bulk(group.consumer(entry.consumer).name);
  reply.integer(std::max<int64_t>(0, now_ms - entry.delivered_ms));
  reply.integer(static_cast<int64_t>(entry.deliveries));
}

/// Walks over the pending entries of a range that are idle for long enough.
class PendingWalk {
 public:
  PendingWalk(StreamGroup const& group, PendingRange const& range, std::optional<ConsumerIndex> consumer, int64_t now_ms)
      : group_(group), range_(range), consumer_(consumer), now_ms_(now_ms) {}

  /// Calls `visit(id, entry)` for at most `count` of them, from `start` on. Returns where to go on, or nothing at the end.
  template <class Visit>
  std::optional<StreamId> visit(StreamId start, uint64_t count, Visit&& visit) const {
    if (!consumer_) {
      return walk(group_.pending().lower_bound(start), count, [&](auto const& at) { return at.payload(); }, visit);
    }
    auto const details = [&](auto const& at) { return *group_.find_pending(at.id()); };
    return walk(group_.consumer(*consumer_).pending.lower_bound(start), count, details, visit);
  }

 private:
  template <class Cursor, class Details, class Visit>
  std::optional<StreamId> walk(Cursor at, uint64_t count, Details&& details, Visit&& visit) const {
    for (; at && at.id() <= range_.end; at.next()) {
      if (count == 0) return at.id();
      PendingEntry const entry = details(at);
      if (range_.idle_ms_min != 0 && now_ms_ - entry.delivered_ms < range_.idle_ms_min) continue;
      visit(at.id(), entry);
      count--;
    }
    return std::nullopt;
  }

  StreamGroup const& group_;
  PendingRange const& range_;
  std::optional<ConsumerIndex> consumer_;
  int64_t now_ms_;
};

/// Goes on with a long range from a frozen copy.
class PendingSource final : public ReplySource {
 public:
  PendingSource(StreamGroup group, PendingRange const& range, std::optional<ConsumerIndex> consumer, int64_t now_ms,
                uint64_t count)
      : group_(std::move(group)), range_(range), walk_(group_, range_, consumer, now_ms), now_ms_(now_ms), left_(count) {}

  bool write(Reply& reply, size_t elements_max) override {
    uint64_t const now = std::min<uint64_t>(left_, elements_max);
    std::optional<StreamId> const next = walk_.visit(range_.start, now, [&](StreamId id, PendingEntry const& entry) {
      reply_pending(group_, id, entry, now_ms_, reply);
    });
    left_ -= now;
    if (next) range_.start = *next;
    return left_ > 0;
  }

 private:
  StreamGroup group_;
  PendingRange range_;
  PendingWalk walk_;
  int64_t now_ms_;
  uint64_t left_;
};

void reply_range(StreamGroup const& group, PendingRange const& range, int64_t now_ms, Reply& reply) {
  std::optional<ConsumerIndex> consumer;
  if (range.consumer) {
    consumer = group.find_consumer(*range.consumer);
    if (!consumer) return reply.array(0);
  }
  PendingWalk const walk(group, range, consumer, now_ms);
  if (range.count > kStreamReplyEntriesMax) {
    uint64_t there = 0;
    walk.visit(range.start, range.count, [&there](StreamId, PendingEntry const&) { there++; });
    reply.array(there);
    if (there > 0) reply.follow(std::make_unique<PendingSource>(group, range, consumer, now_ms, there));
    return;
  }
  uint64_t written = 0;
  size_t const mark = reply.begin_deferred();
  walk.visit(range.start, range.count, [&](StreamId id, PendingEntry const& entry) {
    reply_pending(group, id, entry, now_ms, reply);
    written++;
  });
  reply.end_deferred_array(mark, written);
}

void cmd_xpending(Txn& txn, Args args, Reply& reply) {
  bool const summary = args.size() == 3;
  if (!summary && (args.size() < 6 || args.size() > 9)) return reply.error(errors::kSyntax);
  std::optional<PendingRange> range;
  if (!summary) {
    range = parse_range(args, reply);
    if (!range) return;
  }
  Record* record = txn.find(args[1]);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  std::optional<size_t> const index = record ? stream_of(record).find_group(args[2]) : std::nullopt;
  if (!index) return reply_no_such_key_or_group(args[1], args[2], reply);
  StreamGroup const& group = stream_of(record).group(*index);
  if (summary) return reply_summary(group, reply);
  reply_range(group, *range, txn.now_ms(), reply);
}

constexpr CommandRow kStreamPendingRows[] = {
    {.name = "xack", .arity = -4, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(log N) for each id, N pending",
     .summary = "Takes entries off the pending list of a group and answers how many were on it.",
     .syntax = "key:key group:string id:string...", .handler = &cmd_xack},
    {.name = "xpending", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "stream",
     .tips = "nondeterministic_output", .group = "stream", .since = "5.0.0",
     .complexity = "O(log N + M) for M entries looked at of N; the summary O(C) for C consumers",
     .summary = "Answers what was delivered to a group and not acknowledged.",
     .syntax = "key:key group:string [filters:block([IDLE min-idle-time:integer@6.2.0] start:string end:string "
               "count:integer [consumer:string])]",
     .handler = &cmd_xpending, .history = "6.2.0: Takes `IDLE`, and ends that do not belong to the range."},
};

}  // namespace

CommandRows stream_pending_commands() { return kStreamPendingRows; }

}  // namespace holdfast
