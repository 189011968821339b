#pragma once

#include <span>

#include "commands/zset_access.h"

namespace holdfast {

/// The options of ZADD, which GEOADD has as well.
struct ZaddOptions {
  bool only_new = false;       ///< NX
  bool only_present = false;   ///< XX
  bool only_greater = false;   ///< GT
  bool only_less = false;      ///< LT
  bool count_changed = false;  ///< CH
  bool increment = false;      ///< INCR

  /// Reads options from args[index] on; `index` is behind them then.
  static ZaddOptions read(Args args, size_t& index);
  /// On failure replies which ones do not go together. `pairs`: how many there are to add.
  bool check(size_t pairs, Reply& reply) const;
};

/// Adds scores[i] with the member args[first + i * step], and replies. Returns how many members are new or have another
/// score. Precondition: the options were checked.
uint64_t add_to_zset(Txn& txn, Args args, ZaddOptions const& options, std::span<double const> scores, size_t first,
                     size_t step, Reply& reply);

}  // namespace holdfast
