#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "acl/catalog.h"
#include "acl/rule_error.h"

namespace holdfast::acl {

/// Which commands a selector allows: a bit for each, and for some only with certain first arguments.
class CommandRules {
 public:
  /// Everything, also commands to come / nothing.
  void allow_all();
  void deny_all();
  /// `+cmd`, `-cmd`, `+cmd|sub`, `-cmd|sub`, `+cmd|arg`, `+@cat`, `-@cat`. Changes nothing when it fails.
  RuleError apply(std::string_view rule, Catalog const& catalog);

  /// Everything, and nothing was taken away since.
  bool all() const { return all_; }
  bool allows(uint16_t id) const { return all_ || bits_[id]; }
  /// The command is allowed with this first argument (behind the subcommand's name, if it has one).
  bool allows_argument(uint16_t id, std::string_view argument) const;

  /// The shortest rules found that lead to the same rights: begins with `+@all` or `-@all`, then categories, the one that
  /// explains most first, then single commands.
  std::string text(Catalog const& catalog) const;
  bool operator==(CommandRules const&) const = default;

 private:
  RuleError apply_argument(std::string_view name, Catalog const& catalog);
  void set(uint16_t id, bool allowed, Catalog const& catalog);
  void set_category(size_t category, bool allowed, Catalog const& catalog);

  std::bitset<kCommandsMax> bits_;
  bool all_ = false;
  bool future_ = false;  ///< commands that are yet unknown are allowed
  std::map<uint16_t, std::vector<std::string>> arguments_;
};

}  // namespace holdfast::acl
