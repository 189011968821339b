#include "command/access_catalog.h"

#include <algorithm>

#include "command/command_parse.h"

namespace holdfast {

acl::Catalog access_catalog(CommandTable const& commands) {
  std::vector<acl::CatalogCommand> all(commands.size());
  for (uint16_t id = 0; id < commands.size(); id++) {
    Command const& command = commands.by_id(id);
    all[id].name = command.full_name;
    all[id].is_subcommand = command.parent != nullptr;
    for (Command const* subcommand : command.subcommands) all[id].subcommands.push_back(subcommand->id);
    for (size_t i = 0; i < kCategories.size(); i++) {
      if (std::ranges::find(command.categories, kCategories[i]) != command.categories.end()) all[id].categories |= 1u << i;
    }
  }
  return {std::move(all), {kCategories.begin(), kCategories.end()}};
}

}  // namespace holdfast
