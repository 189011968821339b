#pragma once

#include <cstdint>

#include "keyspace/txn.h"

namespace holdfast {

/// Leaves a list with the elements [first, last) only, or no key at all. Long stretches are freed in the background.
/// Precondition: `record` is the list of `key`, and first <= last <= its length; `changes` and `event` as in Txn::finish_edit.
void keep_list_range(Txn& txn, std::string_view key, Record* record, uint64_t first, uint64_t last, uint64_t changes,
                     std::string_view event);

}  // namespace holdfast
