#pragma once

#include <cstdint>

#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/stream_value.h"

namespace holdfast {

/// Entries that are written under the locks, at most; longer replies go on from a frozen copy.
inline constexpr uint64_t kStreamReplyEntriesMax = 1000;

inline void reply_stream_id(StreamId id, Reply& reply) { reply.bulk(StreamIdText(id).view()); }

/// An entry: its id, and an array of its fields and values.
void reply_entry(StreamEntry const& entry, Reply& reply);

enum class StreamOrder : uint8_t { kForward, kBackward };

/// An array of the entries of [start, end], at most `count`. The rest of the handler may not write. Precondition:
/// `record` is a stream of this transaction.
void reply_range(Txn& txn, Record const* record, StreamId start, StreamId end, StreamOrder order, uint64_t count,
                 Reply& reply);

}  // namespace holdfast
