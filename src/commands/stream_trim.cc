#include "commands/stream_trim.h"

#include <algorithm>

#include "command/errors.h"
#include "commands/stream_arguments.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// From so many entries on, freeing them is not done under the lock.
constexpr uint64_t kFreedInBackground = 10'000;

/// Entries that an approximate trim without LIMIT removes, at most.
uint64_t default_limit(ValueLimits const& limits) {
  constexpr uint64_t kNodes = 100;
  constexpr uint64_t kWithoutNodeLimit = 10'000;
  constexpr uint64_t kMost = 1'000'000;
  uint64_t const node_entries = limits.stream_node_max_entries.load(std::memory_order_relaxed);
  if (node_entries == 0) return kWithoutNodeLimit;
  return node_entries >= kMost / kNodes ? kMost : node_entries * kNodes;
}

class Parser {
 public:
  Parser(Args args, bool of_xadd, Reply& reply) : args_(args), of_xadd_(of_xadd), reply_(reply) {}

  bool parse() {
    for (at_ = 2; at_ < args_.size(); at_++) {
      bool const more = at_ + 1 < args_.size();
      if (of_xadd_ && args_[at_] == "*") break;
      if (args_.is(at_, "MAXLEN") && more) {
        if (!threshold(StreamTrim::By::kLength)) return false;
      } else if (args_.is(at_, "MINID") && more) {
        if (!threshold(StreamTrim::By::kId)) return false;
      } else if (args_.is(at_, "LIMIT") && more) {
        if (!limit()) return false;
      } else if (of_xadd_ && args_.is(at_, "NOMKSTREAM")) {
        options.no_mkstream = true;
      } else if (of_xadd_) {
        break;
      } else {
        reply_.error(errors::kSyntax);
        return false;
      }
    }
    options.end = at_;
    return true;
  }

  StreamTrimOptions options;

 private:
  bool threshold(StreamTrim::By by) {
    if (options.trims) {
      reply_.error("syntax error, MAXLEN and MINID options at the same time are not compatible");
      return false;
    }
    options.trims = true;
    options.trim.by = by;
    at_++;
    if (at_ + 1 < args_.size() && (args_[at_] == "~" || args_[at_] == "=")) {
      options.trim.approximate = args_[at_] == "~";
      options.operator_index = at_++;
    }
    options.threshold_index = at_;
    if (by == StreamTrim::By::kId) {
      std::optional<StreamId> const id = stream_id_argument(args_, at_, 0, StreamIdEnds::kRefused, reply_);
      if (id) options.trim.min_id = *id;
      return id.has_value();
    }
    std::optional<int64_t> const entries = args_.integer(at_, reply_);
    if (!entries) return false;
    if (*entries < 0) {
      reply_.error("The MAXLEN argument must be >= 0.");
      return false;
    }
    options.trim.entries_max = static_cast<uint64_t>(*entries);
    return true;
  }

  bool limit() {
    options.limit_index = at_++;
    options.limit = args_.integer(at_, reply_);
    if (!options.limit) return false;
    if (*options.limit >= 0) return true;
    reply_.error("The LIMIT argument must be >= 0.");
    return false;
  }

  Args args_;
  bool of_xadd_;
  Reply& reply_;
  size_t at_ = 0;
};

}  // namespace

std::optional<StreamTrimOptions> parse_stream_trim(Args args, bool of_xadd, Reply& reply) {
  Parser parser(args, of_xadd, reply);
  if (!parser.parse()) return std::nullopt;
  return parser.options;
}

bool check_stream_trim(StreamTrimOptions& options, bool of_xadd, bool trusted, ValueLimits const& limits, Reply& reply) {
  if (options.limit.value_or(0) != 0 && !options.trims) {
    reply.error("syntax error, LIMIT cannot be used without specifying a trimming strategy");
    return false;
  }
  if (!of_xadd && !options.trims) {
    reply.error("syntax error, XTRIM must be called with a trimming strategy");
    return false;
  }
  if (trusted) return true;
  if (options.limit && !options.trim.approximate) {
    reply.error("syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  }
  if (options.trim.approximate) {
    options.trim.removed_max = options.limit ? static_cast<uint64_t>(*options.limit) : default_limit(limits);
  }
  return true;
}

uint64_t trim_stream(Txn& txn, StreamBody& stream, StreamTrim const& trim) {
  uint64_t const count = stream.entries().count_of(trim);
  // While a frozen copy has the nodes, taking them out of the stream frees none of them.
  if (count >= kFreedInBackground) txn.keyspace().lazy_free().push(stream.freeze());
  stream.erase_front(count);
  return count;
}

}  // namespace holdfast
