#include "acl/users.h"

#include <utility>

#include "base/check.h"

namespace holdfast::acl {

Users::Users(Catalog catalog) : catalog_(std::move(catalog)) {
  MutexLock lock(mutex_);
  put(User::make_default(context()), ++identities_);
}

void Users::put(User user, uint64_t identity) {
  user.identity_ = identity;
  std::string name = user.name();
  users_.insert_or_assign(std::move(name), std::make_shared<User const>(std::move(user)));
}

void Users::moved() {
  User const& user = *users_.find("default")->second;
  login_needed_.store(!user.needs_no_password() || !user.enabled(), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
}

Users::Shared Users::find(std::string_view name) const {
  MutexLock lock(mutex_);
  auto const found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

Users::Shared Users::present(User const& user) const {
  Shared now = find(user.name());
  return now && now->identity() == user.identity() ? now : nullptr;
}

std::vector<Users::Shared> Users::list() const {
  MutexLock lock(mutex_);
  std::vector<Shared> all;
  for (auto const& [name, user] : users_) all.push_back(user);
  return all;
}

bool Users::publish(Shared const& before, User user) {
  {
    MutexLock lock(mutex_);
    auto const found = users_.find(user.name());
    if ((found == users_.end() ? nullptr : found->second) != before) return false;
    put(std::move(user), before ? before->identity() : ++identities_);
    moved();
  }
  tell();
  return true;
}

std::optional<Users::WrongRule> Users::apply_all(User& user, std::span<std::string const> rules) const {
  RuleContext const rule_context = context();
  for (std::string const& rule : rules) {
    RuleError const error = user.apply(rule, rule_context);
    if (error != RuleError::kNone) return WrongRule{rule, error};
  }
  return std::nullopt;
}

Status Users::change(std::string_view name, std::span<std::string_view const> rules) {
  if (has_blank_or_zero(name)) return fail("Usernames can't contain spaces or null characters");
  auto const joined = join_selectors(rules);
  if (!joined) return fail("Unmatched parenthesis in acl selector starting at '" + joined.error().message + "'.");
  while (true) {
    Shared const before = find(name);
    User user = before ? *before : User(std::string(name), context());
    if (auto const wrong = apply_all(user, *joined)) {
      return fail("Error in ACL SETUSER modifier '" + wrong->rule + "': " + std::string(text_of(wrong->error)));
    }
    if (publish(before, std::move(user))) return {};
  }
}

std::optional<Users::WrongRule> Users::declare(std::string_view name, std::span<std::string_view const> rules) {
  auto const joined = join_selectors(rules);
  if (!joined) return WrongRule{joined.error().message, RuleError::kSyntax};
  RuleContext const rule_context = context();
  Shared const before = find(name);
  User user = before ? *before : User(std::string(name), rule_context);
  if (before) CHECK(user.apply("reset", rule_context) == RuleError::kNone);
  if (auto wrong = apply_all(user, *joined)) return wrong;
  CHECK(publish(before, std::move(user)));
  return std::nullopt;
}

bool Users::remove(std::string_view name) {
  CHECK(name != "default");
  {
    MutexLock lock(mutex_);
    auto const found = users_.find(name);
    if (found == users_.end()) return false;
    users_.erase(found);
    moved();
  }
  tell();
  return true;
}

void Users::replace_all(std::vector<User> users) {
  User fresh_default = User::make_default(context());
  {
    MutexLock lock(mutex_);
    auto const before = std::exchange(users_, {});
    uint64_t const default_identity = before.find("default")->second->identity();
    put(std::move(fresh_default), default_identity);
    for (User& user : users) {
      auto const known = before.find(user.name());
      bool const stays = known != before.end() && (user.name() == "default" || known->second->same_as(user));
      uint64_t const identity = stays ? known->second->identity() : ++identities_;
      put(std::move(user), identity);
    }
    moved();
  }
  tell();
}

void Users::set_default_password(std::string const& password) {
  RuleContext const rule_context = context();
  while (true) {
    Shared const before = default_user();
    User user = *before;
    CHECK(user.apply("resetpass", rule_context) == RuleError::kNone);
    CHECK(user.apply(password.empty() ? "nopass" : ">" + password, rule_context) == RuleError::kNone);
    if (publish(before, std::move(user))) return;
  }
}

}  // namespace holdfast::acl
