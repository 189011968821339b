#pragma once

#include <optional>

#include "command/args.h"
#include "keyspace/txn.h"
#include "structures/stream_entries.h"
#include "values/stream_value.h"
#include "values/value_limits.h"

namespace holdfast {

/// The options of XADD and XTRIM before the id.
struct StreamTrimOptions {
  bool trims = false;
  StreamTrim trim;
  std::optional<int64_t> limit;
  bool no_mkstream = false;  ///< XADD
  // Where the arguments are, for what is logged.
  size_t operator_index = 0;   ///< of `~` or `=`; 0: there is none
  size_t threshold_index = 0;
  size_t limit_index = 0;      ///< of LIMIT; 0: there is none
  size_t end = 0;              ///< behind the options: the id of XADD
};

/// On failure writes the error.
std::optional<StreamTrimOptions> parse_stream_trim(Args args, bool of_xadd, Reply& reply);
/// Whether the options go together; else writes the error. Completes what was left out. `trusted`: the AOF is replayed,
/// no limit is held.
bool check_stream_trim(StreamTrimOptions& options, bool of_xadd, bool trusted, ValueLimits const& limits, Reply& reply);

/// Trims a stream of `txn` and returns how many entries went.
uint64_t trim_stream(Txn& txn, StreamBody& stream, StreamTrim const& trim);

}  // namespace holdfast
