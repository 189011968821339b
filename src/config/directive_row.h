#pragma once

#include <climits>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace holdfast::config {

enum class Directive : uint16_t;

/// How a value is read, kept and printed. Types up to kOctal are a number (readable without a lock), the others a text.
enum class Type : uint8_t {
  kYesNo,
  kChoice,
  kFlagSet,         // several words of a choice list or-ed together
  kKeyspaceEvents,  // letters of notify-keyspace-events as a bit mask
  kInteger,
  kMemory,           // bytes, 64 bits unsigned
  kMemoryOrPercent,  // bytes, or minus the percentage
  kOctal,
  kString,
  kDirectory,
  kSave,
  kBind,
  kOutputLimits,
  kOomValues,
  kPercentiles,
  kReplicaOf,
};

constexpr bool is_number(Type type) { return type <= Type::kOctal; }

/// A word of a choice and its number. Several words may share a number; the first one is printed.
struct Choice {
  std::string_view name;
  int64_t value;
};

/// Refuses texts that the type alone would take; the message is what CONFIG SET shows.
using Check = Status (*)(std::string_view text);

/// What is known of a directive. A row is built by the functions below and then only read.
struct Row {
  std::string_view name;
  std::string_view alias;
  Type type = Type::kString;
  std::string_view default_text;
  int64_t min = 0;
  uint64_t max = 0;
  /// Numbers that `min` and `max` let pass, but that are moved into this range.
  int64_t clamp_min = INT64_MIN;
  int64_t clamp_max = INT64_MAX;
  std::span<Choice const> choices;
  Check check = nullptr;

  bool immutable = false;
  /// CONFIG SET needs enable-protected-configs.
  bool is_protected = false;
  /// Redacted in MONITOR and SLOWLOG.
  bool sensitive = false;
  bool denied_while_loading = false;
  /// Takes several words; one word is cut at its spaces.
  bool multi_argument = false;
  /// Found by its exact name only, never by a pattern.
  bool hidden = false;
  /// Hooks run on CONFIG SET even when the value is the same.
  bool always_apply = false;
  /// "" means that there is no value: CONFIG REWRITE leaves the line out.
  bool empty_is_unset = false;
  /// CONFIG REWRITE keeps the alias where the file uses it.
  bool alias_kept = false;

  constexpr Row with_alias(std::string_view other) const {
    Row row = *this;
    row.alias = other;
    return row;
  }
  constexpr Row clamped(int64_t low, int64_t high) const {
    Row row = *this;
    row.clamp_min = low;
    row.clamp_max = high;
    return row;
  }
  constexpr Row checked(Check function) const {
    Row row = *this;
    row.check = function;
    return row;
  }
  constexpr Row marked(bool Row::*mark) const {
    Row row = *this;
    row.*mark = true;
    return row;
  }
  constexpr Row fixed() const { return marked(&Row::immutable); }
  constexpr Row protect() const { return marked(&Row::is_protected); }
  constexpr Row secret() const { return marked(&Row::sensitive); }
  constexpr Row not_while_loading() const { return marked(&Row::denied_while_loading); }
  constexpr Row many() const { return marked(&Row::multi_argument); }
  constexpr Row hide() const { return marked(&Row::hidden); }
  constexpr Row always() const { return marked(&Row::always_apply); }
  constexpr Row keep_alias() const { return marked(&Row::alias_kept); }
};

inline constexpr int64_t kIntMin = INT_MIN;
inline constexpr uint64_t kIntMax = INT_MAX;
inline constexpr uint64_t kUintMax = UINT_MAX;
inline constexpr uint64_t kLongMax = INT64_MAX;
inline constexpr uint64_t kUlongMax = UINT64_MAX;

constexpr Row special(std::string_view name, Type type, std::string_view text) {
  Row row;
  row.name = name;
  row.type = type;
  row.default_text = text;
  return row;
}

constexpr Row yes_no(std::string_view name, std::string_view text) { return special(name, Type::kYesNo, text); }
constexpr Row string(std::string_view name, std::string_view text) { return special(name, Type::kString, text); }

constexpr Row optional_string(std::string_view name) {
  Row row = string(name, "");
  row.empty_is_unset = true;
  return row;
}

constexpr Row choice(std::string_view name, std::span<Choice const> choices, std::string_view text) {
  Row row = special(name, Type::kChoice, text);
  row.choices = choices;
  return row;
}

constexpr Row flag_set(std::string_view name, std::span<Choice const> choices, std::string_view text) {
  Row row = choice(name, choices, text);
  row.type = Type::kFlagSet;
  return row;
}

constexpr Row integer(std::string_view name, int64_t min, uint64_t max, std::string_view text) {
  Row row = special(name, Type::kInteger, text);
  row.min = min;
  row.max = max;
  return row;
}

constexpr Row memory(std::string_view name, int64_t min, uint64_t max, std::string_view text) {
  Row row = integer(name, min, max, text);
  row.type = Type::kMemory;
  return row;
}

constexpr Row memory_or_percent(std::string_view name, std::string_view text) {
  return special(name, Type::kMemoryOrPercent, text);
}

constexpr Row octal(std::string_view name, uint64_t max, std::string_view text) {
  Row row = integer(name, 0, max, text);
  row.type = Type::kOctal;
  return row;
}

}  // namespace holdfast::config
