#pragma once

#include <condition_variable>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace holdfast {

/// Something whose destruction may take long.
class Garbage {
 public:
  virtual ~Garbage() = default;
};

/// One background thread that destroys what it is given: freeing big things is never felt by a client.
/// `push` is safe from any thread. Destruction of the object drains the queue.
class LazyFree {
 public:
  LazyFree();
  ~LazyFree();
  LazyFree(LazyFree const&) = delete;
  LazyFree& operator=(LazyFree const&) = delete;

  void push(std::unique_ptr<Garbage> garbage);
  /// Objects waiting (INFO lazyfree_pending_objects) and objects freed since start.
  size_t pending();
  size_t freed();
  /// Counts from 0 again.
  void reset_freed();

 private:
  void run();

  Mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::unique_ptr<Garbage>> queue_ GUARDED_BY(mutex_);
  size_t in_work_ GUARDED_BY(mutex_) = 0;
  size_t freed_ GUARDED_BY(mutex_) = 0;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace holdfast
