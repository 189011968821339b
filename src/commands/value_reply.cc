#include "commands/value_reply.h"

#include "command/errors.h"

namespace holdfast {

bool is_type_or_missing(Record const* record, ValueType type, Reply& reply) {
  if (!record || record->type() == type) return true;
  reply.error(errors::kWrongType);
  return false;
}

void reply_string(Record const* record, Reply& reply) {
  if (!record) return reply.null();
  switch (record->encoding()) {
    case Encoding::kInt:
      reply.bulk_integer(record->integer());
      break;
    case Encoding::kShared:
      record->shared()->add_ref();
      reply.bulk(SharedBufferRef::adopt(record->shared()));
      break;
    default:
      reply.bulk(record->inline_bytes());
  }
}

}  // namespace holdfast
