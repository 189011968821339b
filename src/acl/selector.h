#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acl/command_rules.h"

namespace holdfast::acl {

/// What is done with the content of a key, as bits. None of them: the key is only looked at (EXISTS, TYPE).
enum KeyUse : uint8_t { kUsesNothing = 0, kReads = 1, kWrites = 2, kReadsAndWrites = 3 };

/// One set of rights: commands, keys, channels. A command is allowed when one selector of its user allows all of it.
class Selector {
 public:
  /// Nothing but, if so configured (acl-pubsub-default), all channels.
  explicit Selector(bool all_channels) : all_channels_(all_channels) {}

  /// A rule about commands, keys or channels, not empty. Changes nothing when it fails.
  RuleError apply(std::string_view rule, Catalog const& catalog);

  CommandRules const& commands() const { return commands_; }
  bool all_keys() const { return all_keys_; }
  bool all_channels() const { return all_channels_; }
  bool allows_key(std::string_view key, uint8_t use) const;
  /// `is_pattern`: it must be one of the patterns, literally.
  bool allows_channel(std::string_view channel, bool is_pattern) const;
  /// Every key, whatever its name, for this use.
  bool allows_all_keys(uint8_t use) const;
  bool unrestricted() const { return commands_.all() && all_keys_ && all_channels_; }

  /// "~a %R~b", "&c" as GETUSER shows them.
  std::string keys_text() const;
  std::string channels_text() const;
  /// All of it as rules.
  std::string text(Catalog const& catalog) const;
  bool operator==(Selector const&) const = default;

 private:
  struct KeyPattern {
    std::string text;
    uint8_t use;
    bool operator==(KeyPattern const&) const = default;
  };
  RuleError add_keys(std::string_view rule);
  RuleError add_channels(std::string_view pattern);

  CommandRules commands_;
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
  bool all_keys_ = false;
  bool all_channels_;
};

/// Names, passwords and patterns may hold no blank and no zero byte: they are written into files.
bool has_blank_or_zero(std::string_view text);

}  // namespace holdfast::acl
