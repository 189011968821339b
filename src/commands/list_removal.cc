#include "commands/list_removal.h"

#include "keyspace/keyspace.h"
#include "values/list_value.h"

namespace holdfast {
namespace {

/// From so many elements on, freeing them is not done under the lock.
constexpr uint64_t kFreedInBackground = 10'000;

}  // namespace

void keep_list_range(Txn& txn, std::string_view key, Record* record, uint64_t first, uint64_t last, uint64_t changes,
                     std::string_view event) {
  uint64_t const size = ListReader(record->view()).size();
  // While a frozen copy has the blocks, taking them out of the list frees none of them.
  if (size - (last - first) >= kFreedInBackground) txn.keyspace().lazy_free().push(record->body()->freeze());
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor list(edit, txn.keyspace().value_context().limits);
  list.erase(last, size);
  list.erase(0, first);
  if (changes == 0) {  // LTRIM tells even then
    txn.notify(config::kEventList, event, key);
    return txn.finish_unchanged(key, edit);
  }
  txn.finish_edit(key, edit, first == last, changes, event);
}

}  // namespace holdfast
