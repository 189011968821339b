#include "acl/user.h"

#include <algorithm>

#include "base/args.h"
#include "base/check.h"
#include "base/sha1.h"
#include "base/strings.h"

namespace holdfast::acl {
namespace {

constexpr size_t kHashDigits = 64;

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<std::vector<std::string>> join_selectors(std::span<std::string_view const> words) {
  std::vector<std::string> joined;
  std::string_view begin;
  bool open = false;
  for (std::string_view word : words) {
    if (open) {
      joined.back().append(" ").append(word);
    } else {
      joined.emplace_back(word);
      if (!word.starts_with('(')) continue;
      begin = word;
    }
    open = !word.ends_with(')');
  }
  if (open) return fail(std::string(begin));
  return joined;
}

User::User(std::string name, RuleContext const& context) : name_(std::move(name)), selectors_{Selector(context.all_channels)} {}

User User::make_default(RuleContext const& context) {
  User user("default", context);
  for (char const* rule : {"+@all", "~*", "&*", "on", "nopass"}) CHECK(user.apply(rule, context) == RuleError::kNone);
  return user;
}

RuleError User::apply(std::string_view rule, RuleContext const& context) {
  RuleError const error = apply_to_user(rule, context);
  unrestricted_ = std::ranges::any_of(selectors_, &Selector::unrestricted);
  return error;
}

RuleError User::apply_to_user(std::string_view rule, RuleContext const& context) {
  if (rule.empty()) return RuleError::kNone;
  if (iequals(rule, "on")) {
    enabled_ = true;
  } else if (iequals(rule, "off")) {
    enabled_ = false;
  } else if (iequals(rule, "nopass")) {
    no_password_ = true;
    passwords_.clear();
  } else if (iequals(rule, "resetpass")) {
    no_password_ = false;
    passwords_.clear();
  } else if (iequals(rule, "skip-sanitize-payload")) {
    sanitize_ = Sanitize::kSkip;
  } else if (iequals(rule, "sanitize-payload")) {
    sanitize_ = Sanitize::kSanitize;
  } else if (rule[0] == '>' || rule[0] == '#' || rule[0] == '<' || rule[0] == '!') {
    return change_password(rule);
  } else if (rule.size() > 1 && rule.starts_with('(') && rule.ends_with(')')) {
    return add_selector(rule.substr(1, rule.size() - 2), context);
  } else if (iequals(rule, "clearselectors")) {
    selectors_.erase(selectors_.begin() + 1, selectors_.end());
  } else if (iequals(rule, "reset")) {
    enabled_ = no_password_ = false;
    sanitize_ = Sanitize::kSanitize;
    passwords_.clear();
    selectors_ = {Selector(context.all_channels)};
  } else {
    return selectors_.front().apply(rule, context.catalog);
  }
  return RuleError::kNone;
}

RuleError User::change_password(std::string_view rule) {
  bool const clear = rule[0] == '>' || rule[0] == '<';
  std::string_view const given = rule.substr(1);
  if (!clear && !is_hash(given)) return RuleError::kBadHash;
  std::string hash = clear ? sha256_hex(given) : std::string(given);
  auto const known = std::ranges::find(passwords_, hash);
  if (rule[0] == '<' || rule[0] == '!') {
    if (known == passwords_.end()) return RuleError::kNoSuchPassword;
    passwords_.erase(known);
    return RuleError::kNone;
  }
  if (known == passwords_.end()) passwords_.push_back(std::move(hash));
  no_password_ = false;
  return RuleError::kNone;
}

RuleError User::add_selector(std::string_view rules, RuleContext const& context) {
  auto const words = split_args(rules);
  if (!words) return RuleError::kSyntax;
  Selector selector(context.all_channels);
  for (std::string const& word : *words) {
    RuleError const error = word.empty() ? RuleError::kSyntax : selector.apply(word, context.catalog);
    if (error != RuleError::kNone) return error;
  }
  selectors_.push_back(std::move(selector));
  return RuleError::kNone;
}

bool User::accepts(std::string_view password) const {
  std::string const hash = sha256_hex(password);
  bool right = no_password_;
  for (std::string const& each : passwords_) right |= constant_time_equal(each, hash);
  return enabled_ && right;
}

bool User::may_listen(std::string_view channel, bool is_pattern) const {
  return std::ranges::any_of(selectors_, [&](Selector const& each) { return each.allows_channel(channel, is_pattern); });
}

bool User::same_as(User const& other) const {
  return enabled_ == other.enabled_ && no_password_ == other.no_password_ && sanitize_ == other.sanitize_ &&
         passwords_ == other.passwords_ && selectors_ == other.selectors_;
}

std::vector<std::string_view> User::flags() const {
  std::vector<std::string_view> flags{enabled_ ? "on" : "off"};
  if (no_password_) flags.push_back("nopass");
  if (sanitize_ == Sanitize::kSkip) flags.push_back("skip-sanitize-payload");
  if (sanitize_ == Sanitize::kSanitize) flags.push_back("sanitize-payload");
  return flags;
}

std::string User::text(Catalog const& catalog) const {
  std::string text;
  for (std::string_view flag : flags()) text.append(flag).append(" ");
  for (std::string const& password : passwords_) text.append("#").append(password).append(" ");
  text += selectors_.front().text(catalog);
  for (size_t i = 1; i < selectors_.size(); i++) text.append(" (").append(selectors_[i].text(catalog)).append(")");
  return text;
}

}  // namespace holdfast::acl
