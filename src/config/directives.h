#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/directive_list.h"
#include "config/directive_row.h"

namespace holdfast::config {

/// Every directive, by its primary name: kMaxmemoryPolicy is maxmemory-policy.
enum class Directive : uint16_t {
#define HOLDFAST_ENUMERATOR(id, row) id,
  HOLDFAST_DIRECTIVES(HOLDFAST_ENUMERATOR)
#undef HOLDFAST_ENUMERATOR
};

#define HOLDFAST_ONE(id, row) +1
inline constexpr size_t kDirectiveCount = 0 HOLDFAST_DIRECTIVES(HOLDFAST_ONE);
#undef HOLDFAST_ONE

constexpr size_t index_of(Directive directive) { return static_cast<size_t>(directive); }

/// All rows; the place of a row is the number of its enumerator.
std::span<Row const, kDirectiveCount> rows();
Row const& row_of(Directive directive);

/// By primary name or alias, in any case of letters. O(1).
std::optional<Directive> find_directive(std::string_view name);

}  // namespace holdfast::config
