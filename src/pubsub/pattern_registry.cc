#include "pubsub/pattern_registry.h"

#include <utility>

#include "base/check.h"

namespace holdfast {

void PatternRegistry::add(std::string_view pattern, Subscriber subscriber) {
  std::shared_ptr<List const> old;  // freed without the mutex
  MutexLock lock(mutex_);
  patterns_[std::string(pattern)].add(subscriber);
  old = std::exchange(list_, nullptr);
  size_.store(patterns_.size(), std::memory_order_seq_cst);
}

void PatternRegistry::remove(std::string_view pattern, Subscriber subscriber) {
  std::shared_ptr<List const> old;
  MutexLock lock(mutex_);
  auto found = patterns_.find(pattern);
  CHECK(found != patterns_.end());
  found->second.remove(subscriber);
  if (found->second.empty()) patterns_.erase(found);
  old = std::exchange(list_, nullptr);
  size_.store(patterns_.size(), std::memory_order_seq_cst);
}

std::shared_ptr<PatternRegistry::List const> PatternRegistry::list() {
  if (size() == 0) return nullptr;
  MutexLock lock(mutex_);
  if (!list_ && !patterns_.empty()) {
    auto list = std::make_shared<List>();
    list->reserve(patterns_.size());
    for (auto const& [pattern, subscribers] : patterns_) {
      list->push_back({pattern, subscribers.groups(), subscribers.size()});
    }
    list_ = std::move(list);
  }
  return list_;
}

}  // namespace holdfast
