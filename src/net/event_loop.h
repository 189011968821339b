#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/mailbox.h"
#include "net/unique_fd.h"

namespace holdfast {

/// Descriptors, timers and mail of one thread. Level triggered: a handler that leaves bytes unread is called again.
///
/// A turn (`run_once`): the before-sleep hook; a wait until a descriptor is ready, mail comes or a timer is due, or no
/// wait at all while work is pending; ready descriptors; mail; due timers.
///
/// Everything belongs to the thread that runs the loop; other threads use `mailbox()`.
class EventLoop {
 public:
  class Handler {
   public:
    /// `events` are EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP bits. May add and remove any descriptor, and
    /// destroy any handler: a removed one is not called any more, not even for an event of the same turn.
    virtual void on_ready(uint32_t events) = 0;

   protected:
    ~Handler() = default;
  };

  using TimerId = uint64_t;
  using Callback = std::function<void()>;
  static constexpr int64_t kForever = -1;
  /// Ready descriptors handled in one turn at most.
  static constexpr int kEventsPerTurnMax = 256;
  /// Pieces of mail delivered in one turn at most.
  static constexpr size_t kMailPerTurnMax = 1024;

  /// `clock` (for the timers) must outlive the loop.
  explicit EventLoop(Clock const& clock);
  EventLoop(EventLoop const&) = delete;
  EventLoop& operator=(EventLoop const&) = delete;

  /// Calls `handler` when one of `events` (EPOLLIN | EPOLLOUT | ...) or an error happens on `fd`. The descriptor and
  /// the handler stay the caller's; call `remove` before closing or destroying them. Fails with the system's error.
  Status add(int fd, uint32_t events, Handler* handler);
  /// Precondition: `fd` was added.
  Status modify(int fd, uint32_t events);
  /// No effect when `fd` was not added.
  void remove(int fd);

  /// Calls `callback` every `ms` milliseconds; a turn that comes late does not make up for missed calls.
  TimerId every(int64_t ms, Callback callback);
  /// Calls `callback` once, not before `us` microseconds from now, at the earliest in the next turn.
  TimerId after_us(int64_t us, Callback callback);
  /// False when the timer is unknown or has fired. A timer may cancel itself.
  bool cancel(TimerId id);

  /// While one or more `begin_busy` are open the loop does not wait: slices of work are pending. They count.
  void begin_busy() { busy_++; }
  void end_busy();

  /// Called at the beginning of each turn, before the wait.
  void set_before_sleep(Callback hook) { before_sleep_ = std::move(hook); }

  /// For mail from other threads; the loop delivers it.
  Mailbox& mailbox() { return mailbox_; }

  /// One turn that waits at most `max_wait_us` (kForever: no bound). Returns the number of handlers, pieces of mail and
  /// timers that were called.
  size_t run_once(int64_t max_wait_us);
  /// Turns until `stop`, which may have been called before.
  void run();
  /// Ends `run` after the current turn. From other threads: post mail that calls it.
  void stop() { stopped_ = true; }

  /// The clock's monotonic time when this turn's wait ended, in microseconds.
  int64_t turn_began_us() const { return turn_began_us_; }
  /// Descriptors that were ready in this turn.
  int ready() const { return ready_; }

 private:
  struct Registration {
    Handler* handler = nullptr;
    /// Changes with each registration of the number, so that an old event is told from a new owner's.
    uint32_t generation = 0;
  };
  struct Timer {
    Callback callback;
    /// 0 for a single shot.
    int64_t period_us;
  };
  /// An entry without a timer of its id is stale.
  struct Due {
    int64_t at_us;
    TimerId id;
    bool operator>(Due const& other) const { return at_us != other.at_us ? at_us > other.at_us : id > other.id; }
  };

  TimerId add_timer(int64_t delay_us, int64_t period_us, Callback callback);
  void push_due(Due due);
  void pop_due();
  /// Removes stale entries from the top of the heap, and all of them when they are many.
  void drop_stale();
  size_t run_timers();
  int64_t wait_us(int64_t max_wait_us);
  int wait(epoll_event* events, int64_t us);
  size_t dispatch(epoll_event const* events, int count);

  Clock const& clock_;
  UniqueFd epoll_;
  Mailbox mailbox_;
  std::vector<Registration> registrations_;  // By descriptor.
  std::unordered_map<TimerId, Timer> timers_;
  std::vector<Due> due_;  // A heap, earliest on top.
  TimerId next_timer_ = 1;
  Callback before_sleep_;
  int busy_ = 0;
  bool stopped_ = false;
  /// False when the system has no wait in microseconds; milliseconds are used then, rounded up.
  bool fine_wait_ = true;
  int64_t turn_began_us_;
  int ready_ = 0;
};

}  // namespace holdfast
