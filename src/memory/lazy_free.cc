#include "memory/lazy_free.h"

#include "base/thread_scope.h"

namespace holdfast {

LazyFree::LazyFree() : thread_([this] { run(); }) {}

LazyFree::~LazyFree() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void LazyFree::push(std::unique_ptr<Garbage> garbage) {
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(garbage));
  }
  ready_.notify_one();
}

size_t LazyFree::pending() {
  MutexLock lock(mutex_);
  return queue_.size() + in_work_;
}

size_t LazyFree::freed() {
  MutexLock lock(mutex_);
  return freed_;
}

void LazyFree::reset_freed() {
  MutexLock lock(mutex_);
  freed_ = 0;
}

void LazyFree::run() {
  ThreadScope const scope("lazy-free");
  std::vector<std::unique_ptr<Garbage>> work;
  while (true) {
    {
      MutexLock lock(mutex_);
      freed_ += in_work_;
      in_work_ = 0;
      while (queue_.empty() && !stop_) lock.wait(ready_);
      if (queue_.empty()) return;
      work.swap(queue_);
      in_work_ = work.size();
    }
    work.clear();
  }
}

}  // namespace holdfast
