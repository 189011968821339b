#include "config/directives.h"

#include <string>
#include <unordered_map>

#include "base/strings.h"
#include "config/choices.h"
#include "config/value_checks.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kDefaultOutputLimits = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";

#define HOLDFAST_ROW(id, row) row,
constexpr Row kDirectivesRows[] = {HOLDFAST_DIRECTIVES(HOLDFAST_ROW)};
#undef HOLDFAST_ROW
static_assert(std::size(kDirectivesRows) == kDirectiveCount);

using NameIndex = std::unordered_map<std::string_view, Directive>;

NameIndex make_name_index() {
  NameIndex index;
  for (size_t i = 0; i < kDirectiveCount; ++i) {
    index.emplace(kDirectivesRows[i].name, static_cast<Directive>(i));
    if (!kDirectivesRows[i].alias.empty()) index.emplace(kDirectivesRows[i].alias, static_cast<Directive>(i));
  }
  return index;
}

}  // namespace

std::span<Row const, kDirectiveCount> rows() { return kDirectivesRows; }

Row const& row_of(Directive directive) { return kDirectivesRows[index_of(directive)]; }

std::optional<Directive> find_directive(std::string_view name) {
  static NameIndex const index = make_name_index();
  auto const found = index.find(to_lower(name));
  if (found == index.end()) return std::nullopt;
  return found->second;
}

}  // namespace holdfast::config
