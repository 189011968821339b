#include "config/value_store.h"

#include <utility>

namespace holdfast::config {

Value default_value(Row const& row) {
  if (row.type == Type::kDirectory || row.type == Type::kReplicaOf) return {};
  auto value = parse_value(row, {std::string(row.default_text)}, {});
  CHECK(value.has_value());
  return std::move(*value);
}

ValueStore::ValueStore(std::string working_directory) {
  for (size_t i = 0; i < kDirectiveCount; ++i) {
    auto const directive = static_cast<Directive>(i);
    if (directive == Directive::kDir) {
      put(directive, Value{0, std::move(working_directory)});
    } else {
      put(directive, default_value(row_of(directive)));
    }
  }
}

std::string ValueStore::text(Directive directive) const {
  DCHECK(!is_number(row_of(directive).type));
  MutexLock const lock(mutex_);
  return texts_[index_of(directive)];
}

Value ValueStore::get(Directive directive) const {
  if (is_number(row_of(directive).type)) return {number(directive), {}};
  return {0, text(directive)};
}

void ValueStore::put(Directive directive, Value value) {
  Type const type = row_of(directive).type;
  if (is_number(type)) {
    numbers_[index_of(directive)].store(value.number, std::memory_order_relaxed);
    return;
  }
  if (type == Type::kOutputLimits) {
    OutputLimits const limits = read_output_limits(value.text);
    for (size_t i = 0; i < kClientClassCount; ++i) {
      output_limits_[i].hard_bytes.store(limits[i].hard_bytes, std::memory_order_relaxed);
      output_limits_[i].soft_bytes.store(limits[i].soft_bytes, std::memory_order_relaxed);
      output_limits_[i].soft_seconds.store(limits[i].soft_seconds, std::memory_order_relaxed);
    }
  }
  MutexLock const lock(mutex_);
  texts_[index_of(directive)].swap(value.text);
}

}  // namespace holdfast::config
