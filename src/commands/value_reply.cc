#include "commands/value_reply.h"

#include "command/errors.h"

namespace holdfast {

bool is_string_or_missing(Record const* record, Reply& reply) {
  if (!record || record->type() == ValueType::kString) return true;
  reply.error(errors::kWrongType);
  return false;
}

void reply_string(Record const* record, Reply& reply) {
  if (!record) return reply.null();
  switch (record->encoding()) {
    case Encoding::kInt:
      reply.bulk_integer(record->integer());
      break;
    case Encoding::kEmbstr:
    case Encoding::kRaw:
      reply.bulk(record->inline_bytes());
      break;
    case Encoding::kShared:
      record->shared()->add_ref();
      reply.bulk(SharedBufferRef::adopt(record->shared()));
      break;
  }
}

}  // namespace holdfast
