#include "commands/zset_inputs.h"

#include "commands/value_reply.h"

namespace holdfast {

std::optional<ZsetInput> ZsetInput::find(Txn& txn, std::string_view key, Reply& reply) {
  Record const* record = txn.find(key, Lookup::kRead);
  ZsetInput input;
  if (record && record->type() == ValueType::kSet) {
    input.reader_.emplace<SetReader>(record->view());
    return input;
  }
  if (!is_type_or_missing(record, ValueType::kZset, reply)) return std::nullopt;
  if (record) input.reader_.emplace<ZsetReader>(record->view());
  return input;
}

}  // namespace holdfast
