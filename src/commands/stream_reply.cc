#include "commands/stream_reply.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "commands/stream_access.h"

namespace holdfast {
namespace {

void reply_text(StreamText const& text, Reply& reply) {
  if (!text.buffer || text.bytes.size() < kSharedBytesMin) return reply.bulk(text.bytes);
  text.buffer->add_ref();
  reply.bulk(SharedBufferRef::adopt(text.buffer));
}

/// Writes at most `count` entries of [start, end] and returns how many; sets `last` to the last one's id.
uint64_t write_forward(StreamEntries const& entries, StreamId start, StreamId end, uint64_t count, StreamId& last,
                       Reply& reply) {
  uint64_t written = 0;
  for (auto at = entries.lower_bound(start); at && written < count && at.id() <= end; at.next()) {
    reply_entry(at.entry(), reply);
    last = at.id();
    written++;
  }
  return written;
}

/// The same from `end` down to `start`. Precondition: count > 0.
uint64_t write_backward(StreamEntries const& entries, StreamId start, StreamId end, uint64_t count, StreamId& last,
                        Reply& reply) {
  uint64_t written = 0;
  for (StreamEntries::Backward at(entries, end); at; at.next()) {
    StreamEntry const entry = at.entry();
    if (entry.id() < start) break;
    reply_entry(entry, reply);
    last = entry.id();
    if (++written == count) break;  // a step more may cost a walk over a node
  }
  return written;
}

class RangeSource final : public ReplySource {
 public:
  RangeSource(DetachedValue stream, StreamId start, StreamId end, StreamOrder order, uint64_t count)
      : stream_(std::move(stream)), start_(start), end_(end), order_(order), left_(count) {}

  bool write(Reply& reply, size_t elements_max) override {
    StreamEntries const& entries = stream_of(stream_.view()).entries();
    uint64_t const now = std::min<uint64_t>(left_, elements_max);
    StreamId last;
    std::optional<StreamId> next;
    if (order_ == StreamOrder::kForward) {
      write_forward(entries, start_, end_, now, last, reply);
      next = last.next();
      start_ = next.value_or(start_);
    } else {
      write_backward(entries, start_, end_, now, last, reply);
      next = last.previous();
      end_ = next.value_or(end_);
    }
    left_ -= now;
    return left_ > 0;
  }

 private:
  DetachedValue stream_;
  StreamId start_;
  StreamId end_;
  StreamOrder order_;
  uint64_t left_;
};

}  // namespace

void reply_entry(StreamEntry const& entry, Reply& reply) {
  reply.array(2);
  reply_stream_id(entry.id(), reply);
  reply.array(size_t{entry.pairs()} * 2);
  entry.for_each_pair([&reply](StreamText const& field, StreamText const& value) {
    reply_text(field, reply);
    reply_text(value, reply);
  });
}

void reply_range(Txn& txn, Record const* record, StreamId start, StreamId end, StreamOrder order, uint64_t count,
                 Reply& reply) {
  StreamEntries const& entries = stream_of(record).entries();
  if (count <= kStreamReplyEntriesMax || entries.size() <= kStreamReplyEntriesMax) {
    StreamId last;
    size_t const mark = reply.begin_deferred();
    uint64_t const written = order == StreamOrder::kForward ? write_forward(entries, start, end, count, last, reply)
                                                            : write_backward(entries, start, end, count, last, reply);
    return reply.end_deferred_array(mark, written);
  }
  std::optional<StreamId> const behind = end.next();
  uint64_t const first_rank = entries.rank(start);
  uint64_t const end_rank = behind ? entries.rank(*behind) : entries.size();
  uint64_t const there = std::min(count, end_rank > first_rank ? end_rank - first_rank : 0);
  reply.array(there);
  if (there > 0) reply.follow(std::make_unique<RangeSource>(txn.copy_value(record), start, end, order, there));
}

}  // namespace holdfast
