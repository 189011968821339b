#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "pubsub/subscribers.h"

namespace holdfast {

/// Who listens to which pattern. Any thread; its mutex is a leaf.
///
/// Publishers match against an immutable list that is made anew when somebody has come or gone since the last publishing,
/// so no matching is done under the mutex.
class PatternRegistry {
 public:
  struct Entry {
    std::string pattern;
    std::vector<Subscribers::Group> groups;
    size_t count;
  };
  using List = std::vector<Entry>;

  void add(std::string_view pattern, Subscriber subscriber);
  void remove(std::string_view pattern, Subscriber subscriber);
  /// Different patterns.
  size_t size() const { return size_.load(std::memory_order_seq_cst); }
  /// Null: there are none.
  std::shared_ptr<List const> list();

 private:
  Mutex mutex_;
  std::map<std::string, Subscribers, std::less<>> patterns_ GUARDED_BY(mutex_);
  std::shared_ptr<List const> list_ GUARDED_BY(mutex_);
  std::atomic<size_t> size_{0};
};

}  // namespace holdfast
