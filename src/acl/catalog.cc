#include "acl/catalog.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace holdfast::acl {

Catalog::Catalog(std::vector<CatalogCommand> commands, std::vector<std::string> categories)
    : commands_(std::move(commands)), categories_(std::move(categories)) {
  CHECK(commands_.size() <= kCommandsMax && categories_.size() <= 32);
  for (size_t i = 0; i < commands_.size(); i++) {
    auto const id = static_cast<uint16_t>(i);
    by_name_.push_back(id);
    CHECK(ids_.emplace(commands_[i].name, id).second);
  }
  std::ranges::sort(by_name_, {}, [this](uint16_t id) { return std::string_view(commands_[id].name); });
}

std::optional<uint16_t> Catalog::find(std::string_view name) const {
  auto const found = ids_.find(to_lower(name));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::optional<size_t> Catalog::category(std::string_view name) const {
  for (size_t i = 0; i < categories_.size(); i++) {
    if (iequals(categories_[i], name)) return i;
  }
  return std::nullopt;
}

}  // namespace holdfast::acl
