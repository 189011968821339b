#include "command/busy_scripts.h"

#include <algorithm>
#include <utility>

namespace holdfast {

void BusyScript::set_partitions(std::vector<uint32_t> partitions) {
  MutexLock lock(mutex_);
  partitions_ = std::move(partitions);
}

bool BusyScript::holds_any(std::span<uint32_t const> partitions) const {
  MutexLock lock(mutex_);
  return std::ranges::any_of(partitions, [this](uint32_t each) REQUIRES(mutex_) {
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

std::shared_ptr<BusyScript> BusyScripts::holder_of(std::span<uint32_t const> partitions) const {
  for (auto const& script : all()) {
    if (script->holds_any(partitions)) return script;
  }
  return nullptr;
}

std::string_view busy_error(BusyScript::Kind kind) {
  return kind == BusyScript::Kind::kScript
             ? "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
             : "-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
}

}  // namespace holdfast
