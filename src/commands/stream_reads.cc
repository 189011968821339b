#include <algorithm>
#include <optional>
#include <vector>

#include "base/strings.h"
#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_delivery.h"
#include "commands/stream_read_reply.h"
#include "commands/stream_wait.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

/// What XREAD and XREADGROUP were asked for.
struct ReadRequest {
  bool of_group = false;
  uint64_t count = UINT64_MAX;
  std::optional<int64_t> block_ms;  ///< wait for entries so long; 0: for ever
  bool no_ack = false;
  std::string_view group;
  std::string_view consumer;
  size_t first_key = 0;  ///< argument index
  size_t keys = 0;

  size_t id_index(size_t stream) const { return first_key + keys + stream; }
};

/// On failure writes the error.
std::optional<ReadRequest> parse_request(Args args, bool of_group, Reply& reply) {
  ReadRequest request;
  request.of_group = of_group;
  auto const refuse = [&reply](std::string_view error) {
    reply.error(error);
    return std::nullopt;
  };
  bool group_given = false;
  for (size_t i = 1; i < args.size() && request.first_key == 0; i++) {
    size_t const more = args.size() - i - 1;
    if (args.is(i, "BLOCK") && more > 0) {
      request.block_ms = args.integer(++i, reply, "timeout is not an integer or out of range");
      if (!request.block_ms) return std::nullopt;
      if (*request.block_ms < 0) return refuse("timeout is negative");
    } else if (args.is(i, "COUNT") && more > 0) {
      std::optional<int64_t> const count = args.integer(++i, reply);
      if (!count) return std::nullopt;
      request.count = *count > 0 ? static_cast<uint64_t>(*count) : UINT64_MAX;
    } else if (args.is(i, "STREAMS") && more > 0) {
      if (more % 2 != 0) {
        return refuse("Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
      }
      request.first_key = i + 1;
      request.keys = more / 2;
    } else if (args.is(i, "GROUP") && more >= 2) {
      if (!of_group) return refuse("The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
      group_given = true;
      request.group = args[i + 1];
      request.consumer = args[i + 2];
      i += 2;
    } else if (args.is(i, "NOACK")) {
      if (!of_group) return refuse("The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
      request.no_ack = true;
    } else {
      return refuse(errors::kSyntax);
    }
  }
  if (request.first_key == 0) return refuse(errors::kSyntax);
  if (of_group && !group_given) return refuse("Missing GROUP option for XREADGROUP");
  return request;
}

/// One stream of a request.
struct Wanted {
  std::string_view key;
  StreamId after;            ///< entries over this one
  bool only_new = false;     ///< `>`: entries that the group has not read
};

/// Looks all streams up (which counts, as in Redis, and reading them counts again). On failure writes the error.
std::optional<std::vector<Wanted>> resolve(Txn& txn, Args args, ReadRequest const& request, Reply& reply) {
  std::vector<Wanted> streams;
  streams.reserve(request.keys);
  for (size_t i = 0; i < request.keys; i++) {
    Wanted wanted{.key = args[request.first_key + i]};
    Record* record = txn.find(wanted.key);
    if (!is_type_or_missing(record, ValueType::kStream, reply)) return std::nullopt;
    if (request.of_group && (!record || !stream_of(record).find_group(request.group))) {
      reply.error("-NOGROUP No such key '" + std::string(until_zero_byte(wanted.key)) + "' or consumer group '" +
                  std::string(until_zero_byte(request.group)) + "' in XREADGROUP with GROUP option");
      return std::nullopt;
    }
    std::string_view const id = args[request.id_index(i)];
    if (id == "$") {
      if (request.of_group) {
        reply.error(
            "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
            "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result "
            "set.");
        return std::nullopt;
      }
      if (record) wanted.after = stream_of(record).last_id;
    } else if (id == ">") {
      if (!request.of_group) {
        reply.error(
            "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
        return std::nullopt;
      }
      wanted.only_new = true;
    } else {
      std::optional<StreamId> const given =
          stream_id_argument(args, request.id_index(i), 0, StreamIdEnds::kRefused, reply);
      if (!given) return std::nullopt;
      wanted.after = *given;
      // Over the greatest id there is nothing, and so it is another name of `>`.
      wanted.only_new = request.of_group && *given == StreamId::max();
    }
    streams.push_back(wanted);
  }
  return streams;
}

/// Of the entries over `after`, at most `count`.
std::optional<StreamReadPart> part_after(std::string_view key, StreamBody& stream, StreamId after, uint64_t count) {
  std::optional<StreamId> const start = after.next();
  if (!start || stream.entries().last_id() < *start) return std::nullopt;
  uint64_t const there = stream.size() - stream.entries().rank(*start);
  return StreamReadPart(key, stream, *start, std::min(count, there));
}

/// Delivers to a consumer what the group has not read.
std::optional<StreamReadPart> deliver(Txn& txn, ReadRequest const& request, GroupPlace const& place, StreamEdit& stream,
                                      StreamGroup& group, ConsumerIndex consumer) {
  std::optional<StreamReadPart> part = part_after(place.key, *stream, group.last_id, request.count);
  group.see(consumer, txn.now_ms(), part.has_value());
  if (!part) return part;
  uint64_t left = part->left();
  for (auto at = stream->entries().lower_bound(group.last_id.next().value_or(StreamId::max())); left > 0; at.next()) {
    advance_group(*stream, group, at.id());
    if (!request.no_ack) {
      group.assign(at.id(), {.delivered_ms = txn.now_ms(), .deliveries = 1, .consumer = consumer});
      log_pending(txn, place, group, at.id());
    }
    stream.changes++;
    left--;
  }
  log_group_position(txn, place, group);
  return part;
}

/// Delivers to a consumer what it has pending over `after` once more.
StreamReadPart redeliver(Txn& txn, ReadRequest const& request, Wanted const& wanted, StreamBody& stream,
                         StreamGroup& group, ConsumerIndex consumer) {
  group.see(consumer, txn.now_ms(), false);
  IdTree<NoPayload> pending = group.consumer(consumer).pending.freeze();
  StreamId const start = wanted.after.next().value_or(StreamId::max());
  auto at = pending.lower_bound(start);
  uint64_t const count = wanted.after.next() ? std::min(request.count, pending.size() - at.rank()) : 0;
  auto entry = stream.entries().lower_bound(start);
  for (uint64_t i = 0; i < count; i++, at.next()) {
    entry.seek_forward(at.id());
    if (entry && entry.id() == at.id()) group.redeliver(at.id(), txn.now_ms());
  }
  return StreamReadPart(wanted.key, stream, start, count, std::move(pending));
}

/// What a consumer gets of one stream; nothing when there is nothing new.
std::optional<StreamReadPart> read_as_consumer(Txn& txn, ReadRequest const& request, Wanted const& wanted) {
  Record* record = txn.find(wanted.key);
  StreamBody const& present = stream_of(record);
  size_t const group_index = *present.find_group(request.group);
  std::optional<ConsumerIndex> consumer = present.group(group_index).find_consumer(request.consumer);
  bool const something = !wanted.only_new || has_entries_after(present, present.group(group_index).last_id);
  if (!something && !consumer) return std::nullopt;
  GroupPlace const place{wanted.key, request.group};
  StreamEdit stream(txn, wanted.key, record);
  auto const group = stream->edit_group(group_index);
  bool const made = !consumer;
  if (made) {
    consumer = group->add_consumer(request.consumer, txn.now_ms());
    stream.changes++;
    stream.notify("xgroup-createconsumer");
    if (request.no_ack || !wanted.only_new) log_new_consumer(txn, place, request.consumer);
  }
  if (wanted.only_new) return deliver(txn, request, place, stream, *group, *consumer);
  return redeliver(txn, request, wanted, *stream, *group, *consumer);
}

void read(Txn& txn, Args args, Reply& reply, bool of_group, DataHandler handler) {
  std::optional<ReadRequest> const request = parse_request(args, of_group, reply);
  if (!request) return;
  std::optional<std::vector<Wanted>> const streams = resolve(txn, args, *request, reply);
  if (!streams) return;
  std::vector<StreamReadPart> parts;
  for (Wanted const& wanted : *streams) {
    std::optional<StreamReadPart> part;
    if (of_group) {
      part = read_as_consumer(txn, *request, wanted);
    } else if (Record* record = txn.find(wanted.key)) {
      part = part_after(wanted.key, *static_cast<StreamBody*>(record->body()), wanted.after, request->count);
    }
    if (part) parts.push_back(std::move(*part));
  }
  if (!parts.empty()) return reply_streams(std::move(parts), reply);
  if (!request->block_ms) return reply.null_array();
  std::vector<StreamWait::Place> places;
  for (Wanted const& wanted : *streams) places.push_back({std::string(wanted.key), wanted.after});
  auto wait = std::make_unique<StreamWait>(args, handler, request->first_key, std::move(places),
                                           of_group ? std::optional(request->group) : std::nullopt);
  wait->timeout_ms = *request->block_ms;
  txn.wait(std::move(wait));
}

void cmd_xread(Txn& txn, Args args, Reply& reply) { read(txn, args, reply, false, &cmd_xread); }
void cmd_xreadgroup(Txn& txn, Args args, Reply& reply) { read(txn, args, reply, true, &cmd_xreadgroup); }

constexpr std::string_view kReadComplexity = "O(log N + M) for each stream, M entries out of N";

constexpr CommandRow kStreamReadsRows[] = {
    {.name = "xread", .arity = -4, .flags = "readonly blocking movablekeys", .keys = "RO access kw(STREAMS,1) r(-1,1,2)",
     .categories = "stream", .tips = "", .group = "stream", .since = "5.0.0", .complexity = kReadComplexity,
     .summary = "Answers the entries of streams that are newer than given ids.",
     .syntax = "[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS streams:block(key:key... id:string...)",
     .handler = &cmd_xread},
    {.name = "xreadgroup", .arity = -7, .flags = "write blocking movablekeys", .keys = "RO access kw(STREAMS,4) r(-1,1,2)",
     .categories = "stream", .tips = "", .group = "stream", .since = "5.0.0", .complexity = kReadComplexity,
     .summary = "Delivers entries of streams to a consumer of a group, or answers those it has pending.",
     .syntax = "GROUP group_consumer:block(group:string consumer:string) [COUNT count:integer] "
               "[BLOCK milliseconds:integer] [NOACK] STREAMS streams:block(key:key... id:string...)",
     .handler = &cmd_xreadgroup},
};

}  // namespace

CommandRows stream_read_commands() { return kStreamReadsRows; }

}  // namespace holdfast
