#include "commands/zset_reply.h"

#include <algorithm>

namespace holdfast {
namespace {

class SliceWriter {
 public:
  SliceWriter(ZsetReader const& zset, ZsetSlice slice, ZsetShape shape)
      : left_(slice.count), reverse_(slice.reverse), shape_(shape) {
    if (left_ > 0) at_ = zset.at(slice.first);
  }

  /// False: that was all.
  bool write(Reply& reply, uint64_t pairs_max) {
    for (uint64_t batch = std::min(left_, pairs_max); batch > 0; batch--) {
      reply_pair(reply, shape_, at_.member(), shape_ == ZsetShape::kMembers ? 0 : at_.score());
      if (--left_ == 0) break;
      reverse_ ? at_.previous() : at_.next();
    }
    return left_ > 0;
  }

 private:
  ZsetCursor at_;
  uint64_t left_;
  bool reverse_;
  ZsetShape shape_;
};

class LongSlice final : public ReplySource {
 public:
  LongSlice(DetachedValue value, ZsetSlice slice, ZsetShape shape)
      : value_(std::move(value)), writer_(ZsetReader(value_.view()), slice, shape) {}
  bool write(Reply& reply, size_t elements_max) override { return writer_.write(reply, elements_max); }

 private:
  DetachedValue value_;
  SliceWriter writer_;
};

}  // namespace

void begin_pairs(Reply& reply, ZsetShape shape, uint64_t pairs) {
  bool const flat = shape == ZsetShape::kFlat || (shape == ZsetShape::kScores && !reply.resp3());
  reply.array(flat ? pairs * 2 : pairs);
}

void reply_pair(Reply& reply, ZsetShape shape, packed::Element const& member, double score) {
  if (shape == ZsetShape::kPairs || (shape == ZsetShape::kScores && reply.resp3())) reply.array(2);
  reply_element(reply, member);
  if (shape != ZsetShape::kMembers) reply.number(score);
}

void reply_slice(Txn& txn, Zset const& zset, ZsetSlice slice, ZsetShape shape, Reply& reply) {
  begin_pairs(reply, shape, slice.count);
  if (slice.count > kReplyPairsMax) {
    return reply.follow(std::make_unique<LongSlice>(txn.copy_value(zset.record()), slice, shape));
  }
  SliceWriter(zset.reader(), slice, shape).write(reply, slice.count);
}

void reply_slice(DetachedValue value, ZsetSlice slice, ZsetShape shape, Reply& reply) {
  begin_pairs(reply, shape, slice.count);
  if (slice.count > kReplyPairsMax) {
    return reply.follow(std::make_unique<LongSlice>(std::move(value), slice, shape));
  }
  SliceWriter(ZsetReader(value.view()), slice, shape).write(reply, slice.count);
}

}  // namespace holdfast
