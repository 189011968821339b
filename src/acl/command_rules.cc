#include "acl/command_rules.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/strings.h"

namespace holdfast::acl {

void CommandRules::allow_all() {
  bits_.set();
  all_ = future_ = true;
  arguments_.clear();
}

void CommandRules::deny_all() {
  bits_.reset();
  all_ = future_ = false;
  arguments_.clear();
}

void CommandRules::set(uint16_t id, bool allowed, Catalog const& catalog) {
  auto const set_one = [&](uint16_t each) {
    bits_[each] = allowed;
    arguments_.erase(each);
  };
  set_one(id);
  for (uint16_t subcommand : catalog.command(id).subcommands) set_one(subcommand);
  if (!allowed) all_ = false;
}

void CommandRules::set_category(size_t category, bool allowed, Catalog const& catalog) {
  // By name a container comes before its subcommands, of which some may be in other categories.
  for (uint16_t id : catalog.by_name()) {
    if (catalog.in_category(id, category)) set(id, allowed, catalog);
  }
}

RuleError CommandRules::apply(std::string_view rule, Catalog const& catalog) {
  bool const allowed = rule[0] == '+';
  std::string_view const name = rule.substr(1);
  if (name.starts_with('@')) {
    if (iequals(name, "@all")) {
      allowed ? allow_all() : deny_all();
      return RuleError::kNone;
    }
    auto const category = catalog.category(name.substr(1));
    if (!category) return RuleError::kUnknownName;
    set_category(*category, allowed, catalog);
    return RuleError::kNone;
  }
  if (allowed && name.contains('|')) return apply_argument(name, catalog);
  auto const id = catalog.find(name);
  if (!id) return RuleError::kUnknownName;
  set(*id, allowed, catalog);
  return RuleError::kNone;
}

RuleError CommandRules::apply_argument(std::string_view name, Catalog const& catalog) {
  size_t const bar = name.rfind('|');
  std::string_view const argument = name.substr(bar + 1);
  auto const id = catalog.find(name.substr(0, bar));
  if (!id) return RuleError::kUnknownName;
  CatalogCommand const& command = catalog.command(*id);
  if (command.is_subcommand) return RuleError::kArgumentOfSubcommand;
  if (argument.empty()) return RuleError::kSyntax;
  if (!command.subcommands.empty()) {
    auto const subcommand = catalog.find(name);
    if (!subcommand) return RuleError::kUnknownName;
    set(*subcommand, true, catalog);
    return RuleError::kNone;
  }
  std::vector<std::string>& arguments = arguments_[*id];
  bool const known = std::ranges::any_of(arguments, [&](std::string const& each) { return iequals(each, argument); });
  if (!known) arguments.emplace_back(argument);
  return RuleError::kNone;
}

bool CommandRules::allows_argument(uint16_t id, std::string_view argument) const {
  auto const found = arguments_.find(id);
  return found != arguments_.end() &&
         std::ranges::any_of(found->second, [&](std::string const& each) { return iequals(each, argument); });
}

std::string CommandRules::text(Catalog const& catalog) const {
  CommandRules described;  // what the text says so far
  if (future_) described.allow_all();
  std::string text = future_ ? "+@all" : "-@all";

  // A category is used while more of its commands are still to be said than would be said wrongly. What it has said is
  // taken out before the next one is looked for.
  CommandRules left = *this;
  std::vector<bool> used(catalog.categories().size());
  while (true) {
    std::optional<size_t> best;
    size_t fewest_wrong = std::numeric_limits<size_t>::max();
    size_t most_right = 0;
    for (size_t category = 0; category < used.size(); category++) {
      if (used[category]) continue;
      size_t right = 0;
      size_t wrong = 0;
      for (uint16_t id = 0; id < catalog.size(); id++) {
        if (catalog.in_category(id, category)) ++(left.bits_[id] != future_ ? right : wrong);
      }
      if (right > wrong && (wrong < fewest_wrong || (wrong == fewest_wrong && right > most_right))) {
        best = category;
        fewest_wrong = wrong;
        most_right = right;
      }
    }
    if (!best) break;
    used[*best] = true;
    described.set_category(*best, !future_, catalog);
    left.set_category(*best, future_, catalog);
    text.append(future_ ? " -@" : " +@").append(catalog.categories()[*best]);
  }

  for (uint16_t id : catalog.by_name()) {
    std::string const& name = catalog.command(id).name;
    if (bits_[id] != described.bits_[id]) {
      text.append(bits_[id] ? " +" : " -").append(name);
      described.set(id, bits_[id], catalog);
    }
    auto const arguments = arguments_.find(id);
    if (bits_[id] || arguments == arguments_.end()) continue;
    for (std::string const& argument : arguments->second) text.append(" +").append(name).append("|").append(argument);
  }
  return text;
}

}  // namespace holdfast::acl
