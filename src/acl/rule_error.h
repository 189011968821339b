#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::acl {

/// What is wrong with a rule.
enum class RuleError : uint8_t {
  kNone,
  kSyntax,
  kUnknownName,
  kKeysAfterAll,
  kChannelsAfterAll,
  kNoSuchPassword,
  kBadHash,
  kArgumentOfSubcommand,
};

/// In Redis's words.
constexpr std::string_view text_of(RuleError error) {
  switch (error) {
    case RuleError::kNone: break;
    case RuleError::kSyntax: return "Syntax error";
    case RuleError::kUnknownName: return "Unknown command or category name in ACL";
    case RuleError::kKeysAfterAll:
      return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try "
             "'resetkeys' to start with an empty list of patterns";
    case RuleError::kChannelsAfterAll:
      return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
             "Try 'resetchannels' to start with an empty list of channels";
    case RuleError::kNoSuchPassword: return "The password you are trying to remove from the user does not exist";
    case RuleError::kBadHash:
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case RuleError::kArgumentOfSubcommand: return "Allowing first-arg of a subcommand is not supported";
  }
  return "";
}

}  // namespace holdfast::acl
