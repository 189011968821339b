#pragma once

#include "commands/hash_access.h"

namespace holdfast {

/// Elements that are written while the lock is held; longer replies follow from a frozen copy.
inline constexpr uint64_t kReplyEntriesMax = 1000;

enum class HashPart : uint8_t { kFields, kValues, kBoth };

/// How fields with their values are sent.
enum class HashShape : uint8_t {
  kMap,    ///< HGETALL: a map; in RESP2 a flat array
  kPairs,  ///< HRANDFIELD: in RESP3 an array of pairs; in RESP2 a flat array
};

/// Begins a reply of so many entries.
void begin_entries(Reply& reply, HashPart part, HashShape shape, uint64_t entries);
void reply_entry(Reply& reply, HashPart part, HashShape shape, packed::Element const& field, HashValue const& value);

/// All entries that have not expired; without a hash none.
void reply_hash(Txn& txn, Hash const& hash, HashPart part, HashShape shape, Reply& reply);

}  // namespace holdfast
