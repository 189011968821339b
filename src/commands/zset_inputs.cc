#include "commands/zset_inputs.h"

#include "commands/value_reply.h"

namespace holdfast {

std::optional<ZsetInput> ZsetInput::find(Txn& txn, std::string_view key, Reply& reply) {
  Record const* record = txn.find(key, Lookup::kRead);
  if (!is_type_or_missing(record, ValueType::kZset, reply)) return std::nullopt;
  ZsetInput input;
  input.record_ = record;
  if (record) input.reader_.emplace(record->view());
  return input;
}

}  // namespace holdfast
