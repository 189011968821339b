#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace holdfast::acl {

/// Room for the ids of commands.
inline constexpr size_t kCommandsMax = 1024;

/// A command as rules see it. Its id is its place in the catalog.
struct CatalogCommand {
  std::string name;                   ///< lower case, "config|get"
  uint32_t categories = 0;            ///< bit i: it is in Catalog::categories()[i]
  std::vector<uint16_t> subcommands;  ///< ids; empty: it is no container
  bool is_subcommand = false;
};

/// The names that rules may use: commands by their original names, and categories. Immutable: any thread.
class Catalog {
 public:
  Catalog(std::vector<CatalogCommand> commands, std::vector<std::string> categories);

  /// "get" or "config|get", any case.
  std::optional<uint16_t> find(std::string_view name) const;
  CatalogCommand const& command(uint16_t id) const { return commands_[id]; }
  size_t size() const { return commands_.size(); }
  /// All ids by name; subcommands follow their container.
  std::vector<uint16_t> const& by_name() const { return by_name_; }

  std::vector<std::string> const& categories() const { return categories_; }
  /// Place in categories(), any case.
  std::optional<size_t> category(std::string_view name) const;
  bool in_category(uint16_t id, size_t category) const { return (commands_[id].categories >> category & 1) != 0; }

 private:
  std::vector<CatalogCommand> commands_;
  std::vector<std::string> categories_;
  std::vector<uint16_t> by_name_;
  std::unordered_map<std::string, uint16_t> ids_;
};

}  // namespace holdfast::acl
