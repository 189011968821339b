#include "commands/streams.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/number.h"
#include "command/session.h"
#include "commands/stream_access.h"
#include "commands/stream_arguments.h"
#include "commands/stream_trim.h"

namespace holdfast {
namespace {

/// The id argument of XADD.
struct NewId {
  bool ms_given = false;
  bool seq_given = false;
  StreamId id;
};

/// On failure writes the error.
std::optional<NewId> new_id_argument(Args args, size_t index, Reply& reply) {
  std::string_view const text = args[index];
  if (text == "*") return NewId{};
  constexpr std::string_view kAnyNumber = "-*";
  if (text.ends_with(kAnyNumber)) {
    std::string_view const ms = text.substr(0, text.size() - kAnyNumber.size());
    if (ms.find('-') == std::string_view::npos) {
      if (std::optional<StreamId> const id = parse_stream_id(ms, 0)) return NewId{true, false, *id};
    }
  }
  std::optional<StreamId> const id = stream_id_argument(args, index, 0, StreamIdEnds::kRefused, reply);
  if (!id) return std::nullopt;
  return NewId{true, true, *id};
}

/// The id of the next entry behind `last`, or nothing when there is none of that form.
std::optional<StreamId> complete(NewId const& wanted, StreamId last, int64_t now_ms) {
  if (!wanted.ms_given) {
    auto const now = static_cast<uint64_t>(now_ms);
    return now > last.ms ? StreamId{now, 0} : last.next();
  }
  if (wanted.seq_given || wanted.id.ms != last.ms) return wanted.id;
  if (last.seq == UINT64_MAX) return std::nullopt;
  return StreamId{wanted.id.ms, last.seq + 1};
}

/// A command with some words replaced, to be logged.
class LoggedWords {
 public:
  explicit LoggedWords(Args args) : size_(args.size()) {
    if (size_ > few_.size()) many_.resize(size_);
    words_ = many_.empty() ? few_.data() : many_.data();
    std::copy(args.span().begin(), args.span().end(), words_);
  }
  void replace(size_t index, std::string_view word) { words_[index] = word; }
  void remove(size_t index, size_t count) {
    std::copy(words_ + index + count, words_ + size_, words_ + index);
    size_ -= count;
  }
  std::span<std::string_view const> words() const { return {words_, size_}; }

 private:
  std::array<std::string_view, 16> few_;
  std::vector<std::string_view> many_;
  std::string_view* words_;
  size_t size_;
};

/// What an approximate trim came to is logged as an exact one.
class TrimLog {
 public:
  void make_exact(LoggedWords& words, StreamTrimOptions const& options, StreamBody const& stream) {
    words.replace(options.operator_index, "=");
    if (options.trim.by == StreamTrim::By::kLength) {
      text_ = to_text_unsigned(stream.size());
      words.replace(options.threshold_index, text_);
    } else if (stream.size() > 0) {
      text_ = StreamIdText(stream.first_id()).view();
      words.replace(options.threshold_index, text_);
    }  // else all were below the threshold: it does the same once more
    if (options.limit_index != 0) words.remove(options.limit_index, 2);
  }

 private:
  std::string text_;
};

void log_xadd(Txn& txn, Args args, StreamTrimOptions const& options, StreamIdText const& id, StreamBody const& stream) {
  LoggedWords words(args);
  TrimLog trim;
  words.replace(options.end, id);
  if (options.trim.approximate) trim.make_exact(words, options, stream);
  txn.effect(words.words());
}

void cmd_xadd(Txn& txn, Session& session, Args args, Reply& reply) {
  ValueLimits const& limits = txn.keyspace().value_context().limits;
  std::optional<StreamTrimOptions> options = parse_stream_trim(args, true, reply);
  if (!options) return;
  std::optional<NewId> wanted = NewId{};
  if (options->end < args.size()) wanted = new_id_argument(args, options->end, reply);
  if (!wanted || !check_stream_trim(*options, true, session.trusted(), limits, reply)) return;
  if (options->end + 3 > args.size() || (args.size() - options->end) % 2 == 0) {
    return reply.error("wrong number of arguments for 'xadd' command");
  }
  if (wanted->seq_given && wanted->id == StreamId()) {
    return reply.error("The ID specified in XADD must be greater than 0-0");
  }
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  if (!record && options->no_mkstream) return reply.null();
  StreamId const last = record ? stream_of(record).last_id : StreamId();
  if (last == StreamId::max()) {
    return reply.error("The stream has exhausted the last possible ID, unable to add more items");
  }
  std::span<std::string_view const> const pairs = args.span().subspan(options->end + 1);
  uint64_t text_bytes = 0;
  for (std::string_view const text : pairs) text_bytes += text.size();
  std::optional<StreamId> const id = complete(*wanted, last, txn.now_ms());
  if (!id || text_bytes > kStreamNodeBytesMax) return reply.error("Elements are too large to be stored");
  if (*id <= last) {
    return reply.error("The ID specified in XADD is equal or smaller than the target stream top item");
  }
  StreamIdText const text(*id);
  reply.bulk(text.view());
  StreamEdit stream(txn, key, record);
  stream->append(*id, pairs, stream_node_limits(limits));
  stream.changes = 1;
  stream.entries_changed = true;
  stream.notify("xadd");
  if (options->trims) {
    uint64_t const trimmed = trim_stream(txn, *stream, options->trim);
    stream.changes += trimmed;
    if (trimmed > 0) stream.notify("xtrim");
  }
  if (!wanted->seq_given || options->trim.approximate || options->limit_index != 0) {
    log_xadd(txn, args, *options, text, *stream);
  }
}

void cmd_xlen(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  reply.integer(record ? static_cast<int64_t>(stream_of(record).size()) : 0);
}

void cmd_xdel(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.integer(0);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  std::vector<StreamId> ids;
  ids.reserve(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) {
    std::optional<StreamId> const id = stream_id_argument(args, i, 0, StreamIdEnds::kRefused, reply);
    if (!id) return;
    ids.push_back(*id);
  }
  StreamEdit stream(txn, key, record);
  for (StreamId const id : ids) stream.changes += stream->erase(id) ? 1 : 0;
  stream.entries_changed = true;
  if (stream.changes > 0) stream.notify("xdel");
  reply.integer(static_cast<int64_t>(stream.changes));
}

void cmd_xtrim(Txn& txn, Session& session, Args args, Reply& reply) {
  ValueLimits const& limits = txn.keyspace().value_context().limits;
  std::optional<StreamTrimOptions> options = parse_stream_trim(args, false, reply);
  if (!options || !check_stream_trim(*options, false, session.trusted(), limits, reply)) return;
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.integer(0);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  StreamEdit stream(txn, key, record);
  stream.changes = trim_stream(txn, *stream, options->trim);
  stream.entries_changed = true;
  if (stream.changes > 0) stream.notify("xtrim");
  reply.integer(static_cast<int64_t>(stream.changes));
  if (stream.changes == 0 || !options->trim.approximate) return;
  LoggedWords words(args);
  TrimLog trim;
  trim.make_exact(words, *options, *stream);
  txn.effect(words.words());
}

void cmd_xsetid(Txn& txn, Args args, Reply& reply) {
  std::optional<StreamId> const id = stream_id_argument(args, 2, 0, StreamIdEnds::kRefused, reply);
  if (!id) return;
  std::optional<int64_t> entries_added;
  StreamId max_deleted_id;
  for (size_t i = 3; i < args.size(); i += 2) {
    bool const more = i + 1 < args.size();
    if (args.is(i, "ENTRIESADDED") && more) {
      entries_added = args.integer(i + 1, reply);
      if (!entries_added) return;
      if (*entries_added < 0) return reply.error("entries_added must be positive");
    } else if (args.is(i, "MAXDELETEDID") && more) {
      std::optional<StreamId> const deleted = stream_id_argument(args, i + 1, 0, StreamIdEnds::kRefused, reply);
      if (!deleted) return;
      if (*id < *deleted) {
        return reply.error("The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
      }
      max_deleted_id = *deleted;
    } else {
      return reply.error(errors::kSyntax);
    }
  }
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.error(errors::kNoSuchKey);
  if (!is_type_or_missing(record, ValueType::kStream, reply)) return;
  StreamBody const& present = stream_of(record);
  if (present.size() > 0) {
    if (*id < present.entries().last_id()) {
      return reply.error("The ID specified in XSETID is smaller than the target stream top item");
    }
    if (entries_added && static_cast<uint64_t>(*entries_added) < present.size()) {
      return reply.error("The entries_added specified in XSETID is smaller than the target stream length");
    }
  }
  StreamEdit stream(txn, key, record);
  stream->last_id = *id;
  if (entries_added) stream->entries_added = static_cast<uint64_t>(*entries_added);
  if (max_deleted_id != StreamId()) stream->max_deleted_id = max_deleted_id;
  stream.changes = 1;
  stream.notify("xsetid");
  reply.ok();
}

constexpr CommandRow kStreamsRows[] = {
    {.name = "xadd", .arity = -5, .flags = "write denyoom fast",
     .keys = "RW update i1 r(0,1,0) \"UPDATE instead of INSERT because of the optional trimming feature\"",
     .categories = "stream", .tips = "nondeterministic_output", .group = "stream", .since = "5.0.0",
     .complexity = "O(log N) with N nodes of about a hundred entries; trimming is that and the nodes that go",
     .summary = "Appends an entry to a stream, and makes the stream when there is none.",
     .syntax = "key:key [NOMKSTREAM@6.2.0] [trim:block(strategy:oneof(MAXLEN|MINID@6.2.0) [operator:oneof(=|~)] "
               "threshold:string [LIMIT count:integer@6.2.0])] id_or_auto:oneof(*|id:string) "
               "field_value:block(field:string value:string)...",
     .handler = &cmd_xadd,
     .history = "6.2.0: Takes `NOMKSTREAM`, `MINID` and `LIMIT`.; 7.0.0: Takes an id of the form `<ms>-*`."},
    {.name = "xlen", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(1)",
     .summary = "Answers the number of entries of a stream.", .syntax = "key:key", .handler = &cmd_xlen},
    {.name = "xdel", .arity = -3, .flags = "write fast", .keys = "RW delete i1 r(0,1,0)", .categories = "stream",
     .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(log N) for each id",
     .summary = "Removes entries and answers how many there were.", .syntax = "key:key id:string...",
     .handler = &cmd_xdel},
    {.name = "xtrim", .arity = -4, .flags = "write", .keys = "RW delete i1 r(0,1,0)", .categories = "stream",
     .tips = "nondeterministic_output", .group = "stream", .since = "5.0.0",
     .complexity = "O(log N) and the nodes that go",
     .summary = "Removes the oldest entries of a stream down to a length or an id.",
     .syntax = "key:key trim:block(strategy:oneof(MAXLEN|MINID@6.2.0) [operator:oneof(=|~)] threshold:string "
               "[LIMIT count:integer@6.2.0])",
     .handler = &cmd_xtrim, .history = "6.2.0: Takes `MINID` and `LIMIT`."},
    {.name = "xsetid", .arity = -3, .flags = "write denyoom fast", .keys = "RW update i1 r(0,1,0)",
     .categories = "stream", .tips = "", .group = "stream", .since = "5.0.0", .complexity = "O(1)",
     .summary = "Sets the last id of a stream; for logs and replicas.",
     .syntax = "key:key last-id:string [ENTRIESADDED entries_added:integer@7.0.0] "
               "[MAXDELETEDID max_deleted_entry_id:string@7.0.0]",
     .handler = &cmd_xsetid, .history = "7.0.0: Takes `ENTRIESADDED` and `MAXDELETEDID`."},
};

}  // namespace

CommandRows stream_commands() { return kStreamsRows; }

}  // namespace holdfast
