#include "command/busy_scripts.h"

#include <algorithm>
#include <utility>

namespace holdfast {

void BusyScript::set_held(LockSet const& locks) {
  MutexLock lock(mutex_);
  bool const same = keys_only_ == locks.is_open() && partitions_.size() == locks.partitions().size() &&
                    (!keys_only_ || further_keys_ == locks.further_keys().size());
  if (same) return;
  partitions_ = locks.partitions();
  keys_only_ = locks.is_open();
  keys_.clear();
  further_keys_ = locks.further_keys().size();
  if (!keys_only_) return;
  for (LockSet::Key const& key : locks.keys()) keys_.insert(key.hash);
  keys_.insert(locks.further_keys().begin(), locks.further_keys().end());
}

bool BusyScript::holds_any(LockSet const& wanted) const {
  MutexLock lock(mutex_);
  if (keys_only_ && !wanted.whole()) {
    return std::ranges::any_of(wanted.keys(), [this](LockSet::Key const& key) REQUIRES(mutex_) { return keys_.contains(key.hash); });
  }
  return std::ranges::any_of(wanted.partitions(), [this](uint32_t each) REQUIRES(mutex_) {
    return std::binary_search(partitions_.begin(), partitions_.end(), each);
  });
}

void BusyScripts::add(std::shared_ptr<BusyScript> script) {
  MutexLock lock(mutex_);
  scripts_.push_back(std::move(script));
  count_.fetch_add(1, std::memory_order_relaxed);
}

void BusyScripts::remove(BusyScript const* script) {
  MutexLock lock(mutex_);
  std::erase_if(scripts_, [script](auto const& each) { return each.get() == script; });
  count_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<std::shared_ptr<BusyScript>> BusyScripts::all() const {
  MutexLock lock(mutex_);
  return scripts_;
}

size_t BusyScripts::kill_all() {
  return static_cast<size_t>(std::ranges::count_if(all(), [](auto const& each) { return !each->kill(); }));
}

std::shared_ptr<BusyScript> BusyScripts::oldest() const {
  MutexLock lock(mutex_);
  return scripts_.empty() ? nullptr : scripts_.front();
}

std::shared_ptr<BusyScript> BusyScripts::holder_of(LockSet const& wanted) const {
  for (auto const& script : all()) {
    if (script->holds_any(wanted)) return script;
  }
  return nullptr;
}

std::string_view busy_error(BusyScript::Kind kind) {
  return kind == BusyScript::Kind::kScript
             ? "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
             : "-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
}

}  // namespace holdfast
