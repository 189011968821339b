#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "net/unique_fd.h"

namespace holdfast {

/// Something another thread asks the owner of a mailbox to do.
class Mail {
 public:
  virtual ~Mail() = default;
  /// Runs on the owner's thread, once. Mail that is dropped with its mailbox is destroyed without it.
  virtual void deliver() = 0;

 protected:
  Mail() = default;
  Mail(Mail const&) = delete;
  Mail& operator=(Mail const&) = delete;

 private:
  friend class Mailbox;
  Mail* next_ = nullptr;
};

/// A function as mail; it may be move-only.
template <std::invocable Function>
class FunctionMail final : public Mail {
 public:
  explicit FunctionMail(Function function) : function_(std::move(function)) {}
  void deliver() override { function_(); }

 private:
  Function function_;
};

/// The way from any thread to the thread that owns a loop (L6).
///
/// Producers push on a lock-free stack; the owner takes the whole stack at once and turns it round, so mail arrives in
/// the order of the pushes, which for one producer is the order of its posts. Nothing is popped singly, hence no ABA.
///
/// A system call is made only to wake an owner that may be asleep. The owner announces its sleep and then looks for
/// mail; a producer pushes and then looks for the announcement. Both steps of both sides are sequentially consistent,
/// so at least one of them sees the other. Only the producer that found the stack empty has to look: for later ones it
/// is still on its way to do so.
///
/// Not bounded: whoever posts on behalf of clients bounds what is under way.
class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(Mailbox const&) = delete;
  Mailbox& operator=(Mailbox const&) = delete;

  /// Any thread.
  void post(std::unique_ptr<Mail> mail);
  /// Any thread. `function()` will run on the owner's thread.
  template <class Function>
  requires std::invocable<std::decay_t<Function>>
  void post(Function&& function) {
    post(std::make_unique<FunctionMail<std::decay_t<Function>>>(std::forward<Function>(function)));
  }

  /// The rest is for the owner's thread.

  /// Delivers at most `max` pieces of mail; returns how many.
  size_t drain(size_t max);
  bool has_mail() const { return inbox_ != nullptr || pushed_.load(std::memory_order_relaxed) != nullptr; }

  /// Call before waiting on fd(). False: there is mail, do not wait.
  bool prepare_to_sleep();
  /// Call after waiting; from now on producers do not write to fd().
  void woke_up() { asleep_.store(false, std::memory_order_relaxed); }

  /// Readable when a sleeping owner has mail, until `clear_wakeup`.
  int fd() const { return wakeup_.get(); }
  void clear_wakeup();

 private:
  /// Moves what producers pushed to the inbox, oldest first. Precondition: the inbox is empty.
  void take_pushed();

  std::atomic<Mail*> pushed_{nullptr};
  std::atomic<bool> asleep_{false};
  UniqueFd wakeup_;
  /// Taken and not yet delivered, oldest first.
  Mail* inbox_ = nullptr;
};

}  // namespace holdfast
