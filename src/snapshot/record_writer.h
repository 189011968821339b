#pragma once

#include <cstdint>
#include <string_view>

#include "config/choices.h"
#include "keyspace/keyspace.h"
#include "keyspace/record.h"
#include "snapshot/block.h"

namespace holdfast::snapshot {

/// How a snapshot is written. Frozen when it begins.
struct SaveForm {
  RecordForm form = RecordForm::kRdb;
  bool compress = true;    ///< rdbcompression
  bool idle = false;       ///< IDLE of every key (a *-lru policy)
  bool frequency = false;  ///< FREQ of every key (a *-lfu policy)
};

/// Sets the access fields of `form` as the eviction policy wants them.
void follow_policy(SaveForm& form, config::MaxmemoryPolicy policy);

/// Texts longer than this are compressed by the file thread, not under the partition's lock (about 9 ns a byte).
inline constexpr size_t kCompressUnderLockBytesMax = 512;

/// False when LZF certainly saves nothing: a text of at most 64 bytes in which no three bytes come twice. Costs a fifth
/// of finding that out with LZF.
bool may_compress(std::string_view text);

/// Appends a record of database `db` to `block`, with the selection of `db` where it changes. The caller holds the lock
/// of the record's partition, or owns its table.
void write_record(Block& block, SaveForm const& form, Keyspace const& keyspace, int db, Record const& record);

}  // namespace holdfast::snapshot
