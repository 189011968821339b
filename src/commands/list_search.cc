#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/list_reply.h"
#include "commands/lists.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "values/list_value.h"

namespace holdfast {
namespace {

void cmd_linsert(Txn& txn, Args args, Reply& reply) {
  bool const after = args.is(2, "AFTER");
  if (!after && !args.is(2, "BEFORE")) return reply.error(errors::kSyntax);
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.integer(0);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  packed::Needle const pivot(args[3]);
  uint64_t index = 0;
  ListReader::Cursor at = ListReader(record->view()).at(0);
  for (; at && !at.matches(pivot); at.next()) index++;
  if (!at) return reply.integer(-1);
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor list(edit, txn.keyspace().value_context().limits);
  list.insert(index + (after ? 1 : 0), args[4]);
  reply.integer(static_cast<int64_t>(list.size()));
  txn.finish_edit(key, edit, false, 1, "linsert");
}

void cmd_lrem(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> const count = args.integer(2, reply);
  if (!count) return;
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.integer(0);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  auto const magnitude = static_cast<uint64_t>(*count);
  uint64_t const limit = *count == 0 ? UINT64_MAX : *count < 0 ? -magnitude : magnitude;
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor list(edit, txn.keyspace().value_context().limits);
  uint64_t const removed = list.remove(args[3], limit, *count < 0 ? ListEnd::kTail : ListEnd::kHead);
  reply.integer(static_cast<int64_t>(removed));
  txn.finish_edit(key, edit, list.empty(), removed, "lrem");
}

struct PosOptions {
  uint64_t rank = 1;
  ListEnd from = ListEnd::kHead;
  std::optional<int64_t> count;  // the reply is an array; 0: all
  int64_t max_length = 0;        // 0: all

  /// On failure replies why.
  static std::optional<PosOptions> parse(Args args, Reply& reply);
};

std::optional<PosOptions> PosOptions::parse(Args args, Reply& reply) {
  PosOptions options;
  auto fail = [&reply](std::string_view error) {
    reply.error(error);
    return std::nullopt;
  };
  for (size_t i = 3; i < args.size(); i += 2) {
    bool const has_value = i + 1 < args.size();
    if (args.is(i, "RANK") && has_value) {
      std::optional<int64_t> const rank = args.integer(i + 1, reply);
      if (!rank) return std::nullopt;
      if (*rank == 0) {
        return fail("RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to "
                    "start from the end of the list");
      }
      options.from = *rank < 0 ? ListEnd::kTail : ListEnd::kHead;
      options.rank = *rank == INT64_MIN ? 1 : static_cast<uint64_t>(*rank < 0 ? -*rank : *rank);
    } else if (args.is(i, "COUNT") && has_value) {
      options.count = parse_int64(args[i + 1]);
      if (!options.count || *options.count < 0) return fail("COUNT can't be negative");
    } else if (args.is(i, "MAXLEN") && has_value) {
      std::optional<int64_t> const length = parse_int64(args[i + 1]);
      if (!length || *length < 0) return fail("MAXLEN can't be negative");
      options.max_length = *length;
    } else {
      return fail(errors::kSyntax);
    }
  }
  return options;
}

/// Positions of a reply that is too long for one go.
class PositionsSource final : public ReplySource {
 public:
  explicit PositionsSource(std::vector<uint64_t> positions) : positions_(std::move(positions)) {}

  bool write(Reply& reply, size_t elements_max) override {
    size_t const end = next_ + std::min(elements_max, positions_.size() - next_);
    while (next_ < end) reply.integer(static_cast<int64_t>(positions_[next_++]));
    return next_ < positions_.size();
  }

 private:
  std::vector<uint64_t> positions_;
  size_t next_ = 0;
};

std::vector<uint64_t> find_positions(ListReader const& list, std::string_view text, PosOptions const& options) {
  packed::Needle const needle(text);
  uint64_t const size = list.size();
  uint64_t left = size;
  if (options.max_length > 0) left = std::min(left, static_cast<uint64_t>(options.max_length));
  auto wanted = static_cast<uint64_t>(options.count.value_or(1));
  if (wanted == 0) wanted = UINT64_MAX;
  bool const backwards = options.from == ListEnd::kTail;
  uint64_t matches = 0;
  std::vector<uint64_t> positions;
  uint64_t index = backwards ? size - 1 : 0;
  for (ListReader::Cursor at = list.at(index); left > 0; left--) {
    if (at.matches(needle) && ++matches >= options.rank) {
      positions.push_back(index);
      if (positions.size() == wanted) break;
    }
    if (backwards) {
      index--;
      at.previous();
    } else {
      index++;
      at.next();
    }
  }
  return positions;
}

void cmd_lpos(Txn& txn, Args args, Reply& reply) {
  std::optional<PosOptions> const options = PosOptions::parse(args, reply);
  if (!options) return;
  Record* record = txn.find(args[1]);
  if (!record) return options->count ? reply.array(0) : reply.null();
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  std::vector<uint64_t> positions = find_positions(ListReader(record->view()), args[2], *options);
  if (!options->count) {
    return positions.empty() ? reply.null() : reply.integer(static_cast<int64_t>(positions[0]));
  }
  reply.array(positions.size());
  bool const is_long = positions.size() > kListReplyElementsMax;
  auto source = std::make_unique<PositionsSource>(std::move(positions));
  if (is_long) return reply.follow(std::move(source));
  source->write(reply, kListReplyElementsMax);
}

constexpr CommandRow kListSearchRows[] = {
    {.name = "linsert", .arity = 5, .flags = "write denyoom", .keys = "RW insert i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "2.2.0",
     .complexity = "O(N) where N is the number of elements in front of the pivot",
     .summary = "Inserts an element in front of another one or behind it.",
     .syntax = "key:key where:oneof(BEFORE|AFTER) pivot:string element:string", .handler = &cmd_linsert},
    {.name = "lrem", .arity = 4, .flags = "write", .keys = "RW delete i1 r(0,1,0)", .categories = "list", .tips = "",
     .group = "list", .since = "1.0.0", .complexity = "O(N) where N is the length of the list",
     .summary = "Removes elements that are equal to one.", .syntax = "key:key count:integer element:string",
     .handler = &cmd_lrem},
    {.name = "lpos", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "6.0.6",
     .complexity = "O(N) where N is the number of elements compared, at most MAXLEN",
     .summary = "Answers the indexes of elements that are equal to one.",
     .syntax = "key:key element:string [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
     .handler = &cmd_lpos},
};

}  // namespace

CommandRows list_search_commands() { return kListSearchRows; }

}  // namespace holdfast
