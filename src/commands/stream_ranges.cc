#include <optional>

#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_reply.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

void range(Txn& txn, Args args, Reply& reply, StreamOrder order) {
  bool const forward = order == StreamOrder::kForward;
  std::optional<StreamId> const start = stream_bound_argument(args, forward ? 2 : 3, StreamBound::kStart, reply);
  if (!start) return;
  std::optional<StreamId> const end = stream_bound_argument(args, forward ? 3 : 2, StreamBound::kEnd, reply);
  if (!end) return;
  uint64_t count = UINT64_MAX;
  for (size_t i = 4; i < args.size(); i += 2) {
    if (!args.is(i, "COUNT") || i + 1 == args.size()) return reply.error(errors::kSyntax);
    std::optional<int64_t> const given = args.integer(i + 1, reply);
    if (!given) return;
    count = *given < 0 ? 0 : static_cast<uint64_t>(*given);
  }
  Record* record = txn.find(args[1]);
  if (!record) return reply.array(0);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  if (count == 0) return reply.null_array();
  reply_range(txn, record, *start, *end, order, count, reply);
}

void cmd_xrange(Txn& txn, Args args, Reply& reply) { range(txn, args, reply, StreamOrder::kForward); }
void cmd_xrevrange(Txn& txn, Args args, Reply& reply) { range(txn, args, reply, StreamOrder::kBackward); }

constexpr std::string_view kRangeComplexity = "O(log N + M) for M entries in a stream of N";

constexpr CommandRow kStreamRangesRows[] = {
    {.name = "xrange", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = kRangeComplexity,
     .summary = "Answers the entries between two ids.", .syntax = "key:key start:string end:string [COUNT count:integer]",
     .handler = &cmd_xrange, .history = "6.2.0: Takes ends that do not belong to the range."},
    {.name = "xrevrange", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = kRangeComplexity,
     .summary = "Answers the entries between two ids, the newest first.",
     .syntax = "key:key end:string start:string [COUNT count:integer]", .handler = &cmd_xrevrange,
     .history = "6.2.0: Takes ends that do not belong to the range."},
};

}  // namespace

CommandRows stream_range_commands() { return kStreamRangesRows; }

}  // namespace holdfast
