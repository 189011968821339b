#include "commands/stream_delivery.h"

#include "base/number.h"

namespace holdfast {

void log_pending(Txn& txn, GroupPlace const& place, StreamGroup const& group, StreamId id) {
  PendingEntry const& entry = *group.find_pending(id);
  char delivered[kInt64TextBytesMax];
  char deliveries[kInt64TextBytesMax];
  size_t const delivered_bytes = format_int64(delivered, entry.delivered_ms);
  size_t const deliveries_bytes = format_uint64(deliveries, entry.deliveries);
  txn.effect({"XCLAIM", place.key, place.group, group.consumer(entry.consumer).name, "0", StreamIdText(id), "TIME",
              {delivered, delivered_bytes}, "RETRYCOUNT", {deliveries, deliveries_bytes}, "FORCE", "JUSTID", "LASTID",
              StreamIdText(group.last_id)});
}

void log_group_position(Txn& txn, GroupPlace const& place, StreamGroup const& group) {
  txn.effect({"XGROUP", "SETID", place.key, place.group, StreamIdText(group.last_id), "ENTRIESREAD",
              to_text(group.entries_read)});
}

void log_new_consumer(Txn& txn, GroupPlace const& place, std::string_view consumer) {
  txn.effect({"XGROUP", "CREATECONSUMER", place.key, place.group, consumer});
}

void advance_group(StreamBody const& stream, StreamGroup& group, StreamId id) {
  if (id <= group.last_id) return;
  if (group.entries_read != StreamGroup::kUnknown && !stream.has_gaps_from(id)) {
    // XGROUP may have set any number: it wraps around.
    group.entries_read = static_cast<int64_t>(static_cast<uint64_t>(group.entries_read) + 1);
  } else if (stream.entries_added > 0) {
    group.entries_read = stream.estimate_entries_read(id);
  }
  group.last_id = id;
}

}  // namespace holdfast
