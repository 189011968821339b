#include "command/subscriptions.h"

#include <algorithm>
#include <utility>

namespace holdfast {
namespace {

/// What a name costs here and in the registry besides its text, roughly.
constexpr size_t kNameOverheadBytes = 96;

}  // namespace

bool Subscriptions::add(Topic topic, std::string_view name) {
  if (contains(topic, name)) return false;
  of(topic).emplace(name, added_++);
  bytes_ += name.size() + kNameOverheadBytes;
  return true;
}

bool Subscriptions::remove(Topic topic, std::string_view name) {
  Names& names = of(topic);
  auto found = names.find(name);
  if (found == names.end()) return false;
  bytes_ -= found->first.size() + kNameOverheadBytes;
  names.erase(found);
  return true;
}

bool Subscriptions::empty() const {
  return std::ranges::all_of(names_, [](Names const& names) { return names.empty(); });
}

std::vector<std::string> Subscriptions::names(Topic topic) const {
  std::vector<std::pair<uint64_t, std::string_view>> ordered;
  for (auto const& [name, number] : of(topic)) ordered.emplace_back(number, name);
  std::ranges::sort(ordered);
  std::vector<std::string> names;
  for (auto const& [number, name] : ordered) names.emplace_back(name);
  return names;
}

}  // namespace holdfast
