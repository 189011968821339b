#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/selector.h"
#include "base/result.h"

namespace holdfast::acl {

/// What rules are read with: the names they may use, and acl-pubsub-default.
struct RuleContext {
  Catalog const& catalog;
  bool all_channels = false;
};

/// Puts the pieces of selectors that are spread over several words together: "(~a", "+get)" is "(~a +get)". Fails with the word
/// at which a selector begins that does not end.
Result<std::vector<std::string>> join_selectors(std::span<std::string_view const> words);

/// A user: who it is, how it logs in, what it may do. A value; published ones are never changed (see Users).
class User {
 public:
  /// Switched off, without password and rights.
  User(std::string name, RuleContext const& context);
  /// The user `default` of a server that nobody has configured: everybody, and everything is allowed.
  static User make_default(RuleContext const& context);

  /// One rule of ACL SETUSER. Changes nothing when it fails.
  RuleError apply(std::string_view rule, RuleContext const& context);

  std::string const& name() const { return name_; }
  /// The same for all versions of a user; another one after it was removed and made again.
  uint64_t identity() const { return identity_; }
  bool enabled() const { return enabled_; }
  bool needs_no_password() const { return no_password_; }
  /// Whether it may log in with this password. The time it takes does not tell how much of it is right.
  bool accepts(std::string_view password) const;
  std::vector<Selector> const& selectors() const { return selectors_; }
  /// Every command on every key and channel.
  bool unrestricted() const { return unrestricted_; }
  /// Listening to this channel (pattern) is allowed by some selector.
  bool may_listen(std::string_view channel, bool is_pattern) const;

  /// "on", "nopass" ... in their order.
  std::vector<std::string_view> flags() const;
  /// SHA-256 in hex.
  std::vector<std::string> const& passwords() const { return passwords_; }
  /// As rules that make the user: what ACL LIST shows behind the name.
  std::string text(Catalog const& catalog) const;
  /// The same rights and the same ways in.
  bool same_as(User const& other) const;

 private:
  friend class Users;
  enum class Sanitize : uint8_t { kUnset, kSkip, kSanitize };
  RuleError apply_to_user(std::string_view rule, RuleContext const& context);
  RuleError change_password(std::string_view rule);
  RuleError add_selector(std::string_view rules, RuleContext const& context);

  std::string name_;
  uint64_t identity_ = 0;
  bool enabled_ = false;
  bool no_password_ = false;
  bool unrestricted_ = false;
  Sanitize sanitize_ = Sanitize::kUnset;
  std::vector<std::string> passwords_;
  std::vector<Selector> selectors_;  ///< the first one is the user's own
};

}  // namespace holdfast::acl
