#pragma once

#include <cstdint>

#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/list_value.h"

namespace holdfast {

/// Elements that are written under the locks, at most; longer replies go on from a frozen copy.
inline constexpr uint64_t kListReplyElementsMax = 1000;

/// Order in which elements are replied.
enum class ListOrder : uint8_t { kHeadFirst, kTailFirst };

/// An element as a bulk. `buffer`: the element's own, when it has one; it is referenced, not copied.
inline void reply_element(packed::Element const& element, SharedBuffer* buffer, Reply& reply) {
  if (element.is_integer) return reply.bulk_integer(element.integer);
  if (!buffer || element.text.size() < kSharedBytesMin) return reply.bulk(element.text);
  buffer->add_ref();
  reply.bulk(SharedBufferRef::adopt(buffer));
}
inline void reply_element(ListReader::Cursor const& at, Reply& reply) {
  reply_element(at.element(), at.buffer(), reply);
}

/// An array of the elements [first, first + count) of a list, which must be there. The rest of the handler may only change
/// the list. Precondition: `record` is a list of this transaction.
void reply_range(Txn& txn, Record const* record, uint64_t first, uint64_t count, ListOrder order, Reply& reply);

}  // namespace holdfast
