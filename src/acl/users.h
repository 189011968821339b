#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acl/user.h"
#include "base/mutex.h"

namespace holdfast::acl {

/// All users by name. Each is an immutable object that is replaced as a whole: who has one keeps what it was. Who wants the
/// present one looks at `generation` first, which moves with every change. Any thread; the mutex is a leaf.
class Users {
 public:
  using Shared = std::shared_ptr<User const>;

  /// With the user `default`, who may do everything.
  explicit Users(Catalog catalog);

  Catalog const& catalog() const { return catalog_; }
  /// acl-pubsub-default of what is made from now on.
  void set_all_channels_by_default(bool yes) { all_channels_.store(yes, std::memory_order_relaxed); }
  RuleContext context() const { return {catalog_, all_channels_.load(std::memory_order_relaxed)}; }

  /// From 1. Who sees a number and looks up users after that sees them at least as new.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  /// For comparing with what was seen before.
  uint64_t generation_hint() const { return generation_.load(std::memory_order_relaxed); }
  /// A connection that has not logged in may do nothing.
  bool login_needed() const { return login_needed_.load(std::memory_order_relaxed); }

  /// Null: there is none.
  Shared find(std::string_view name) const EXCLUDES(mutex_);
  Shared default_user() const { return find("default"); }
  /// What `user` is now. Null: it was removed.
  Shared present(User const& user) const;
  /// By name, bytewise.
  std::vector<Shared> list() const EXCLUDES(mutex_);

  /// ACL SETUSER: all rules or none; makes the user when there is none. The message is that of the reply.
  Status change(std::string_view name, std::span<std::string_view const> rules);
  /// A `user` line of the configuration, before the threads start: as change, but `default` begins anew.
  struct WrongRule {
    std::string rule;
    RuleError error;
  };
  std::optional<WrongRule> declare(std::string_view name, std::span<std::string_view const> rules);
  /// False: there is none. Not for `default`.
  bool remove(std::string_view name) EXCLUDES(mutex_);
  /// ACL LOAD: these and no others, but for `default`, which becomes what it was at first if it is not named. Who is as before
  /// stays the same user.
  void replace_all(std::vector<User> users) EXCLUDES(mutex_);
  /// requirepass: the one password of `default`, or none is needed.
  void set_default_password(std::string const& password);

  /// Called after each change, by the thread that made it. Set before the threads start.
  std::function<void()> on_change;

 private:
  /// Stops at the first rule that is wrong.
  std::optional<WrongRule> apply_all(User& user, std::span<std::string const> rules) const;
  /// False: somebody else has changed the user meanwhile.
  bool publish(Shared const& before, User user) EXCLUDES(mutex_);
  void put(User user, uint64_t identity) REQUIRES(mutex_);
  void moved() REQUIRES(mutex_);
  void tell() const {
    if (on_change) on_change();
  }

  Catalog catalog_;
  std::atomic<bool> all_channels_{false};
  std::atomic<uint64_t> generation_{1};
  std::atomic<bool> login_needed_{false};
  mutable Mutex mutex_;
  std::map<std::string, Shared, std::less<>> users_ GUARDED_BY(mutex_);
  uint64_t identities_ GUARDED_BY(mutex_) = 0;
};

}  // namespace holdfast::acl
