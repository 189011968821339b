#include "snapshot/block_queue.h"

#include <algorithm>
#include <utility>

namespace holdfast::snapshot {

void BlockQueue::on_relief(std::function<void()> hook) {
  relief_ = std::move(hook);
  copies_.on_relief(relief_);
}

BlockPtr BlockQueue::fresh() {
  {
    MutexLock lock(mutex_);
    if (!spare_.empty()) {
      BlockPtr block = std::move(spare_.back());
      spare_.pop_back();
      return block;
    }
  }
  auto block = std::make_unique<Block>();
  block->bytes.reserve(kBlockBytes + 4096);
  block->copies = &copies_;
  return block;
}

void BlockQueue::push(BlockPtr block) {
  size_t bytes = block->size();
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(block));
    size_t waiting = waiting_bytes_.load(std::memory_order_relaxed) + bytes;
    waiting_bytes_.store(waiting, std::memory_order_relaxed);
    peak_bytes_.store(std::max(peak_bytes_.load(std::memory_order_relaxed), waiting), std::memory_order_relaxed);
    if (waiting > kQueueBytesAhead) ahead_.store(true, std::memory_order_relaxed);
    if (waiting > kQueueBytesMax) congested_.store(true, std::memory_order_relaxed);
  }
  ready_.notify_one();
}

void BlockQueue::close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  ready_.notify_one();
}

void BlockQueue::shut_down() {
  {
    MutexLock lock(mutex_);
    shut_down_ = closed_ = true;
  }
  ready_.notify_one();
}

BlockPtr BlockQueue::pop() {
  MutexLock lock(mutex_);
  while (queue_.empty() && !closed_) lock.wait(ready_);
  if (queue_.empty()) return nullptr;
  BlockPtr block = std::move(queue_.front());
  queue_.pop_front();
  return block;
}

void BlockQueue::give_back(BlockPtr block) {
  size_t bytes = block->size();
  block->clear();
  bool relieved = false;
  {
    MutexLock lock(mutex_);
    size_t waiting = waiting_bytes_.load(std::memory_order_relaxed) - bytes;
    waiting_bytes_.store(waiting, std::memory_order_relaxed);
    if (waiting <= kQueueBytesResume && congested_.load(std::memory_order_relaxed)) {
      congested_.store(false, std::memory_order_relaxed);
      relieved = true;
    }
    if (waiting <= kQueueBytesAheadResume && ahead_.load(std::memory_order_relaxed)) {
      ahead_.store(false, std::memory_order_relaxed);
      relieved = true;
    }
    // A block that had to grow for one long key is not worth keeping.
    if (spare_.size() < kSpareBlocksMax && block->bytes.capacity() <= 4 * kBlockBytes)
      spare_.push_back(std::move(block));
  }
  if (relieved && relief_) relief_();
}

void BlockQueue::reset(size_t copied_bytes_max) {
  std::deque<BlockPtr> left;  // to be destroyed without the lock
  copies_.set_limit(copied_bytes_max);
  MutexLock lock(mutex_);
  left.swap(queue_);
  spare_.clear();
  closed_ = shut_down_;
  waiting_bytes_.store(0, std::memory_order_relaxed);
  peak_bytes_.store(0, std::memory_order_relaxed);
  congested_.store(false, std::memory_order_relaxed);
  ahead_.store(false, std::memory_order_relaxed);
}

}  // namespace holdfast::snapshot
