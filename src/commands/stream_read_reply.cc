#include "commands/stream_read_reply.h"

#include <algorithm>
#include <utility>

#include "commands/stream_reply.h"

namespace holdfast {
namespace {

class StreamsSource final : public ReplySource {
 public:
  explicit StreamsSource(std::vector<StreamReadPart> parts) : parts_(std::move(parts)) {}

  bool write(Reply& reply, size_t elements_max) override {
    uint64_t left = elements_max;
    for (; at_ < parts_.size(); at_++) {
      left -= parts_[at_].write(reply, left);
      if (!parts_[at_].done()) return true;
    }
    return false;
  }

 private:
  std::vector<StreamReadPart> parts_;
  size_t at_ = 0;
};

}  // namespace

void StreamReadPart::freeze() {
  own_key_ = key_;
  frozen_ = stream_->freeze();
  stream_ = static_cast<StreamBody*>(frozen_.get());
}

uint64_t StreamReadPart::write(Reply& reply, uint64_t entries_max) {
  if (!begun_) {
    if (!reply.resp3()) reply.array(2);
    reply.bulk(frozen_ ? std::string_view(own_key_) : key_);
    reply.array(count_);
    begun_ = true;
  }
  uint64_t const count = std::min(entries_max, left_);
  if (count == 0) return 0;
  uint64_t const written = pending_ ? write_pending(reply, count) : write_entries(reply, count);
  left_ -= written;
  return written;
}

uint64_t StreamReadPart::write_entries(Reply& reply, uint64_t count) {
  auto at = stream_->entries().lower_bound(next_);
  for (uint64_t i = 0; i < count; i++, at.next()) {
    reply_entry(at.entry(), reply);
    next_ = at.id().next().value_or(at.id());
  }
  return count;
}

uint64_t StreamReadPart::write_pending(Reply& reply, uint64_t count) {
  auto at = stream_->entries().lower_bound(next_);
  auto pending = pending_->lower_bound(next_);
  for (uint64_t i = 0; i < count; i++, pending.next()) {
    StreamId const id = pending.id();
    at.seek_forward(id);
    if (at && at.id() == id) {
      reply_entry(at.entry(), reply);
    } else {
      reply.array(2);
      reply_stream_id(id, reply);
      reply.null_array();
    }
    next_ = id.next().value_or(id);
  }
  return count;
}

void reply_streams(std::vector<StreamReadPart> parts, Reply& reply) {
  uint64_t entries = 0;
  for (StreamReadPart const& part : parts) entries += part.left();
  reply.resp3() ? reply.map(parts.size()) : reply.array(parts.size());
  if (entries <= kStreamReplyEntriesMax) {
    for (StreamReadPart& part : parts) part.write(reply, UINT64_MAX);
    return;
  }
  for (StreamReadPart& part : parts) part.freeze();
  reply.follow(std::make_unique<StreamsSource>(std::move(parts)));
}

}  // namespace holdfast
