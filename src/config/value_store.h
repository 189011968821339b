#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/mutex.h"
#include "config/directives.h"
#include "config/special_values.h"
#include "config/value.h"

namespace holdfast::config {

/// The values of all directives. Numbers are relaxed atomics, so any thread reads them at any time without a lock;
/// texts are copied under a leaf mutex. Members are safe from any thread; values of different directives are not read
/// as one moment.
class ValueStore {
 public:
  /// Holds the defaults; `dir` is `working_directory`.
  explicit ValueStore(std::string working_directory);

  int64_t number(Directive directive) const {
    DCHECK(is_number(row_of(directive).type));
    return numbers_[index_of(directive)].load(std::memory_order_relaxed);
  }

  /// The value of a directive that is not a number, in its canonical form.
  std::string text(Directive directive) const EXCLUDES(mutex_);

  ClientOutputLimit output_limit(ClientClass client_class) const {
    AtomicLimit const& limit = output_limits_[static_cast<size_t>(client_class)];
    return {limit.hard_bytes.load(std::memory_order_relaxed), limit.soft_bytes.load(std::memory_order_relaxed),
            limit.soft_seconds.load(std::memory_order_relaxed)};
  }

  Value get(Directive directive) const EXCLUDES(mutex_);
  void put(Directive directive, Value value) EXCLUDES(mutex_);

 private:
  struct AtomicLimit {
    std::atomic<uint64_t> hard_bytes{0};
    std::atomic<uint64_t> soft_bytes{0};
    std::atomic<int64_t> soft_seconds{0};
  };

  std::array<std::atomic<int64_t>, kDirectiveCount> numbers_{};
  std::array<AtomicLimit, kClientClassCount> output_limits_;
  mutable Mutex mutex_;
  std::array<std::string, kDirectiveCount> texts_ GUARDED_BY(mutex_);
};

/// The value that a row starts with. `dir` has none.
Value default_value(Row const& row);

}  // namespace holdfast::config
