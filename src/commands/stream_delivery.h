#pragma once

#include <cstdint>
#include <string_view>

#include "keyspace/txn.h"
#include "values/stream_value.h"

namespace holdfast {

// What groups do is logged as what came of it: XCLAIM for a pending entry as it is now, XGROUP SETID for how far a group
// was read, XGROUP CREATECONSUMER for a consumer that no XCLAIM names.

/// A group that a command changes, with the names that are logged.
struct GroupPlace {
  std::string_view key;
  std::string_view group;
};

void log_pending(Txn& txn, GroupPlace const& place, StreamGroup const& group, StreamId id);
void log_group_position(Txn& txn, GroupPlace const& place, StreamGroup const& group);
void log_new_consumer(Txn& txn, GroupPlace const& place, std::string_view consumer);

/// Notes that a group has read on to `id`, an entry of the stream.
void advance_group(StreamBody const& stream, StreamGroup& group, StreamId id);

}  // namespace holdfast
