#include "scripting/script_cache.h"

#include <utility>

namespace holdfast::scripting {
namespace {

size_t footprint(Script const& script) { return sizeof(Script) + script.text.capacity() + 2 * script.sha.capacity(); }

}  // namespace

std::shared_ptr<Script> ScriptCache::find(std::string_view sha) const {
  MutexLock lock(mutex_);
  auto found = scripts_.find(std::string(sha));
  return found == scripts_.end() ? nullptr : found->second;
}

std::shared_ptr<Script> ScriptCache::add(std::shared_ptr<Script> script) {
  size_t const bytes = footprint(*script);
  MutexLock lock(mutex_);
  auto [place, added] = scripts_.emplace(script->sha, std::move(script));
  if (added) bytes_ += bytes;
  return place->second;
}

void ScriptCache::clear() {
  std::unordered_map<std::string, std::shared_ptr<Script>> old;
  MutexLock lock(mutex_);
  old.swap(scripts_);
  bytes_ = 0;
  generation_.fetch_add(1, std::memory_order_release);
}

size_t ScriptCache::size() const {
  MutexLock lock(mutex_);
  return scripts_.size();
}

size_t ScriptCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace holdfast::scripting
