#include "commands/list_reply.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace holdfast {
namespace {

void write_range(ListReader const& list, uint64_t first, uint64_t count, ListOrder order, Reply& reply) {
  if (order == ListOrder::kHeadFirst) {
    list.for_each(first, count,
                  [&](packed::Element const& element, SharedBuffer* buffer) { reply_element(element, buffer, reply); });
    return;
  }
  if (count == 0) return;
  for (ListReader::Cursor at = list.at(first + count - 1); count > 0; count--, at.previous()) reply_element(at, reply);
}

class RangeSource final : public ReplySource {
 public:
  RangeSource(DetachedValue list, uint64_t first, uint64_t count, ListOrder order)
      : list_(std::move(list)), first_(first), count_(count), order_(order) {}

  bool write(Reply& reply, size_t elements_max) override {
    uint64_t const now = std::min<uint64_t>(count_, elements_max);
    count_ -= now;
    if (order_ == ListOrder::kHeadFirst) {
      write_range(ListReader(list_.view()), first_, now, order_, reply);
      first_ += now;
    } else {
      write_range(ListReader(list_.view()), first_ + count_, now, order_, reply);
    }
    return count_ > 0;
  }

 private:
  DetachedValue list_;
  uint64_t first_;
  uint64_t count_;
  ListOrder order_;
};

}  // namespace

void reply_range(Txn& txn, Record const* record, uint64_t first, uint64_t count, ListOrder order, Reply& reply) {
  reply.array(count);
  if (count <= kListReplyElementsMax) return write_range(ListReader(record->view()), first, count, order, reply);
  reply.follow(std::make_unique<RangeSource>(txn.copy_value(record), first, count, order));
}

}  // namespace holdfast
