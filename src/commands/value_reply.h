#pragma once

#include "keyspace/record.h"
#include "resp/reply.h"

namespace holdfast {

/// True when there is no key or it holds a value of `type`; else writes WRONGTYPE.
bool is_type_or_missing(Record const* record, ValueType type, Reply& reply);
inline bool is_string_or_missing(Record const* record, Reply& reply) {
  return is_type_or_missing(record, ValueType::kString, reply);
}

/// The value of a string key as a bulk; long values are referenced, not copied. Null when `record` is null.
/// Precondition: a string.
void reply_string(Record const* record, Reply& reply);

}  // namespace holdfast
