#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "command/push_message.h"

namespace holdfast {

/// Ids of connections of one worker.
using Receivers = std::shared_ptr<std::vector<uint64_t> const>;

/// What has come for the connections of one worker and is not written to them yet.
///
/// Like Mailbox a lock-free stack that the owner takes whole and turns round, so that what one thread has sent, and what was
/// sent under one mutex, is delivered in that order. Beside the mailbox because the owner must be able to deliver at once,
/// and because it is bounded.
///
/// The bound: while more than kBytesMax wait, a message is thrown away as it comes, and its receivers are closed instead,
/// as if they had not read it for too long. So nobody misses a message without noticing, and no sender waits.
class Inbox {
 public:
  static constexpr size_t kBytesMax = 256 * 1024 * 1024;

  Inbox() = default;
  ~Inbox();
  Inbox(Inbox const&) = delete;
  Inbox& operator=(Inbox const&) = delete;

  struct Delivery {
    SharedPush message;  ///< null: thrown away
    Receivers receivers;
    size_t bytes = 0;
    Delivery* next = nullptr;
  };

  /// Any thread. True: the inbox was empty, and its owner must be told.
  bool push(SharedPush const& message, Receivers receivers, size_t bytes_max = kBytesMax);
  bool empty() const { return pushed_.load(std::memory_order_seq_cst) == nullptr; }

  /// The owner: all that has come, in the order in which it came.
  template <class Function>
  void drain(Function&& deliver) {
    for (Delivery* next = take(); next;) {
      std::unique_ptr<Delivery> delivery(next);
      next = delivery->next;
      deliver(*delivery);
      bytes_.fetch_sub(delivery->bytes, std::memory_order_relaxed);
    }
  }

 private:
  /// Oldest first.
  Delivery* take();

  std::atomic<Delivery*> pushed_{nullptr};
  std::atomic<size_t> bytes_{0};
};

}  // namespace holdfast
