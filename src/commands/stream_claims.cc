#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_delivery.h"
#include "commands/stream_help.h"
#include "commands/stream_reply.h"
#include "commands/streams.h"

namespace holdfast {
namespace {

/// The group of XCLAIM and XAUTOCLAIM; the error is written when there is none.
struct ClaimedGroup {
  Record* record;
  size_t index;
};
/// `record`: of args[1], or null.
std::optional<ClaimedGroup> find_claimed_group(Record* record, Args args, Reply& reply) {
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return std::nullopt;
  std::optional<size_t> const index = record ? stream_of(record).find_group(args[2]) : std::nullopt;
  if (!index) {
    reply_no_such_key_or_group(args[1], args[2], reply);
    return std::nullopt;
  }
  return ClaimedGroup{record, *index};
}

/// Gives pending entries of a group to a consumer, which is made with the first of them.
class Claim {
 public:
  Claim(Txn& txn, StreamEdit& stream, StreamGroup& group, GroupPlace const& place, std::string_view consumer)
      : txn_(txn), stream_(stream), group_(group), place_(place), name_(consumer), consumer_(group.find_consumer(name_)) {
    if (consumer_) group_.see(*consumer_, txn.now_ms(), false);
  }

  void claim(StreamId id, PendingEntry entry) {
    if (!consumer_) {
      consumer_ = group_.add_consumer(name_, txn_.now_ms());
      stream_.notify("xgroup-createconsumer");
    }
    entry.consumer = *consumer_;
    group_.assign(id, entry);
    group_.see(*consumer_, txn_.now_ms(), true);
    log_pending(txn_, place_, group_, id);
    stream_.changes++;
  }

  /// Takes an entry off the list that the stream does not have any more.
  void forget(StreamId id) {
    txn_.effect({"XACK", place_.key, place_.group, StreamIdText(id)});
    group_.acknowledge(id);
    stream_.changes++;
  }

 private:
  Txn& txn_;
  StreamEdit& stream_;
  StreamGroup& group_;
  GroupPlace place_;
  std::string_view name_;
  std::optional<ConsumerIndex> consumer_;
};

struct ClaimOptions {
  std::optional<int64_t> delivered_ms;
  std::optional<int64_t> retry_count;
  bool force = false;
  bool just_id = false;
  StreamId last_id;
};

/// From argument `first` on. On failure writes the error.
std::optional<ClaimOptions> parse_claim_options(Args args, size_t first, int64_t now_ms, Reply& reply) {
  ClaimOptions options;
  for (size_t i = first; i < args.size(); i++) {
    bool const more = i + 1 < args.size();
    if (args.is(i, "FORCE")) {
      options.force = true;
    } else if (args.is(i, "JUSTID")) {
      options.just_id = true;
    } else if (args.is(i, "IDLE") && more) {
      std::optional<int64_t> const idle = args.integer(++i, reply, "Invalid IDLE option argument for XCLAIM");
      if (!idle) return std::nullopt;
      options.delivered_ms = static_cast<int64_t>(static_cast<uint64_t>(now_ms) - static_cast<uint64_t>(*idle));
    } else if (args.is(i, "TIME") && more) {
      options.delivered_ms = args.integer(++i, reply, "Invalid TIME option argument for XCLAIM");
      if (!options.delivered_ms) return std::nullopt;
    } else if (args.is(i, "RETRYCOUNT") && more) {
      options.retry_count = args.integer(++i, reply, "Invalid RETRYCOUNT option argument for XCLAIM");
      if (!options.retry_count) return std::nullopt;
    } else if (args.is(i, "LASTID") && more) {
      std::optional<StreamId> const id = stream_id_argument(args, ++i, 0, StreamIdEnds::kRefused, reply);
      if (!id) return std::nullopt;
      options.last_id = *id;
    } else {
      reply.error("Unrecognized XCLAIM option '" + std::string(until_zero_byte(args[i])) + "'");
      return std::nullopt;
    }
  }
  return options;
}

void cmd_xclaim(Txn& txn, Args args, Reply& reply) {
  std::optional<ClaimedGroup> const found = find_claimed_group(txn.find(args[1]), args, reply);
  if (!found) return;
  std::optional<int64_t> idle_min = args.integer(4, reply, "Invalid min-idle-time argument for XCLAIM");
  if (!idle_min) return;
  std::vector<StreamId> ids;
  size_t first_option = 5;
  for (; first_option < args.size(); first_option++) {
    std::optional<StreamId> const id = parse_stream_id(args[first_option], 0);
    if (!id) break;
    ids.push_back(*id);
  }
  int64_t const now_ms = txn.now_ms();
  std::optional<ClaimOptions> const options = parse_claim_options(args, first_option, now_ms, reply);
  if (!options) return;
  // -1 counts as not given; no delivery is in the future.
  int64_t delivered_ms = options->delivered_ms.value_or(-1);
  if (delivered_ms < 0 || delivered_ms > now_ms) delivered_ms = now_ms;

  GroupPlace const place{args[1], args[2]};
  StreamEdit stream(txn, args[1], found->record);
  auto const group = stream->edit_group(found->index);
  bool const moved = group->last_id < options->last_id;
  if (moved) group->last_id = options->last_id;
  Claim claim(txn, stream, *group, place, args[3]);
  size_t const mark = reply.begin_deferred();
  size_t written = 0;
  for (StreamId const id : ids) {
    PendingEntry const* pending = group->find_pending(id);
    auto const at = stream->entries().lower_bound(id);
    if (!at || at.id() != id) {
      if (pending) claim.forget(id);
      continue;
    }
    if (!pending && !options->force) continue;
    PendingEntry entry = pending ? *pending : PendingEntry{now_ms, 1, PendingEntry::kNobody};
    if (pending && *idle_min > 0 && now_ms - entry.delivered_ms < *idle_min) continue;
    entry.delivered_ms = delivered_ms;
    if (options->retry_count.value_or(-1) >= 0) {
      entry.deliveries = static_cast<uint64_t>(*options->retry_count);
    } else if (!options->just_id) {
      entry.deliveries++;
    }
    claim.claim(id, entry);
    options->just_id ? reply_stream_id(id, reply) : reply_entry(at.entry(), reply);
    written++;
  }
  reply.end_deferred_array(mark, written);
  if (!moved) return;
  log_group_position(txn, place, *group);
  stream.changes++;
}

/// The reply of XAUTOCLAIM behind the id to go on with: what was claimed, and what was deleted.
class ClaimedReply final : public ReplySource {
 public:
  ClaimedReply(StreamBody& stream, bool just_id) : stream_(&stream), just_id_(just_id) {}

  std::vector<StreamId> claimed;
  std::vector<StreamId> deleted;

  /// Lives on after the locks are released.
  void freeze() {
    frozen_ = stream_->freeze();
    stream_ = static_cast<StreamBody*>(frozen_.get());
  }
  bool write(Reply& reply, size_t elements_max) override {
    if (written_ == 0) reply.array(claimed.size());
    size_t const end = std::min(claimed.size(), written_ + elements_max);
    if (just_id_) {
      for (; written_ < end; written_++) reply_stream_id(claimed[written_], reply);
    } else if (written_ < end) {
      auto at = stream_->entries().lower_bound(claimed[written_]);
      for (; written_ < end; written_++) {
        at.seek_forward(claimed[written_]);
        reply_entry(at.entry(), reply);
      }
    }
    if (written_ < claimed.size()) return true;
    reply.array(deleted.size());
    for (StreamId const id : deleted) reply_stream_id(id, reply);
    return false;
  }

 private:
  StreamBody* stream_;
  bool just_id_;
  std::unique_ptr<Body> frozen_;
  size_t written_ = 0;
};

struct AutoClaimOptions {
  uint64_t count = 100;
  bool just_id = false;
};

/// On failure writes the error.
std::optional<AutoClaimOptions> parse_autoclaim_options(Args args, Reply& reply) {
  AutoClaimOptions options;
  for (size_t i = 6; i < args.size(); i++) {
    if (args.is(i, "COUNT") && i + 1 < args.size()) {
      constexpr std::string_view kError = "COUNT must be > 0";
      std::optional<int64_t> const count = args.integer(++i, reply, kError);
      if (!count) return std::nullopt;
      if (*count < 1 || *count > INT64_MAX / 16) {
        reply.error(kError);
        return std::nullopt;
      }
      options.count = static_cast<uint64_t>(*count);
    } else if (args.is(i, "JUSTID")) {
      options.just_id = true;
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

void cmd_xautoclaim(Txn& txn, Args args, Reply& reply) {
  Record* const record = txn.find(args[1]);  // a miss counts even if the arguments are wrong
  std::optional<int64_t> const idle_min = args.integer(4, reply, "Invalid min-idle-time argument for XAUTOCLAIM");
  if (!idle_min) return;
  std::optional<StreamId> const start = stream_bound_argument(args, 5, StreamBound::kStart, reply);
  if (!start) return;
  std::optional<AutoClaimOptions> const options = parse_autoclaim_options(args, reply);
  if (!options) return;
  std::optional<ClaimedGroup> const found = find_claimed_group(record, args, reply);
  if (!found) return;

  constexpr uint64_t kLooksForEach = 10;
  int64_t const now_ms = txn.now_ms();
  StreamEdit stream(txn, args[1], found->record);
  auto const group = stream->edit_group(found->index);
  Claim claim(txn, stream, *group, {args[1], args[2]}, args[3]);
  auto result = std::make_unique<ClaimedReply>(*stream, options->just_id);
  // The list as it is now: what is claimed stays on it, what is forgotten was passed.
  IdTree<PendingEntry> const pending = group->pending().freeze();
  auto at = pending.lower_bound(*start);
  auto entry_at = stream->entries().lower_bound(*start);
  uint64_t count = options->count;
  uint64_t looks = options->count * kLooksForEach;

  for (; at && count > 0 && looks > 0; at.next(), looks--) {
    StreamId const id = at.id();
    entry_at.seek_forward(id);
    if (!entry_at || entry_at.id() != id) {
      claim.forget(id);
      result->deleted.push_back(id);
      count--;
      continue;
    }
    PendingEntry entry = at.payload();
    if (*idle_min > 0 && now_ms - entry.delivered_ms < *idle_min) continue;
    entry.delivered_ms = now_ms;
    if (!options->just_id) entry.deliveries++;
    claim.claim(id, entry);
    result->claimed.push_back(id);
    count--;
  }
  reply.array(3);
  reply_stream_id(at ? at.id() : StreamId(), reply);
  if (result->claimed.size() <= kStreamReplyEntriesMax) {
    result->write(reply, SIZE_MAX / 2);
  } else {
    result->freeze();
    reply.follow(std::move(result));
  }
}

constexpr CommandRow kStreamClaimsRows[] = {
    {.name = "xclaim", .arity = -6, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "stream",
     .tips = "nondeterministic_output", .group = "stream", .since = "5.0.0",
     .complexity = "O(log N) for each id, N pending",
     .summary = "Gives pending entries to another consumer, as if they were delivered to it.",
     .syntax = "key:key group:string consumer:string min-idle-time:string id:string... [IDLE ms:integer] "
               "[TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID id:string]",
     .handler = &cmd_xclaim},
    {.name = "xautoclaim", .arity = -6, .flags = "write fast", .keys = "RW delete i1 r(0,1,0)", .categories = "stream",
     .tips = "nondeterministic_output", .group = "stream", .since = "6.2.0",
     .complexity = "O(M log N) for M entries looked at, ten times COUNT at most, N pending",
     .summary = "Gives pending entries that are idle to a consumer, from an id on.",
     .syntax = "key:key group:string consumer:string min-idle-time:string start:string [COUNT count:integer] [JUSTID]",
     .handler = &cmd_xautoclaim,
     .history = "7.0.0: Answers also the entries that were pending and are deleted."},
};

}  // namespace

CommandRows stream_claim_commands() { return kStreamClaimsRows; }

}  // namespace holdfast
