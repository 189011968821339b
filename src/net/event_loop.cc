#include "net/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

#include "base/check.h"

namespace holdfast {

namespace {

/// Stale timer entries that are tolerated before the heap is swept.
constexpr size_t kStaleTimersMin = 64;

uint64_t pack(int fd, uint32_t generation) { return uint64_t{generation} << 32 | static_cast<uint32_t>(fd); }

}  // namespace

EventLoop::EventLoop(Clock const& clock)
    : clock_(clock), epoll_(::epoll_create1(EPOLL_CLOEXEC)), turn_began_us_(clock.monotonic_us()) {
  CHECK(epoll_.valid());
  // The mailbox has no handler: its descriptor only ends the wait.
  epoll_event event{.events = EPOLLIN, .data = {.u64 = pack(mailbox_.fd(), 0)}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, mailbox_.fd(), &event) == 0);
}

Status EventLoop::add(int fd, uint32_t events, Handler* handler) {
  CHECK(fd >= 0 && handler != nullptr);
  auto index = static_cast<size_t>(fd);
  if (index >= registrations_.size()) registrations_.resize(index + 1);
  Registration& registration = registrations_[index];
  CHECK(registration.handler == nullptr);
  uint32_t generation = registration.generation + 1;
  epoll_event event{.events = events, .data = {.u64 = pack(fd, generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl", errno);
  registration = {handler, generation};
  return {};
}

Status EventLoop::modify(int fd, uint32_t events) {
  auto index = static_cast<size_t>(fd);
  CHECK(fd >= 0 && index < registrations_.size() && registrations_[index].handler != nullptr);
  epoll_event event{.events = events, .data = {.u64 = pack(fd, registrations_[index].generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) return fail_errno("epoll_ctl", errno);
  return {};
}

void EventLoop::remove(int fd) {
  auto index = static_cast<size_t>(fd);
  if (fd < 0 || index >= registrations_.size() || registrations_[index].handler == nullptr) return;
  registrations_[index].handler = nullptr;
  // Fails only for a descriptor that was closed before, which has left the set by that.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::every(int64_t ms, Callback callback) {
  CHECK(ms > 0);
  return add_timer(ms * 1000, ms * 1000, std::move(callback));
}

EventLoop::TimerId EventLoop::after_us(int64_t us, Callback callback) {
  return add_timer(std::max<int64_t>(us, 0), 0, std::move(callback));
}

EventLoop::TimerId EventLoop::add_timer(int64_t delay_us, int64_t period_us, Callback callback) {
  TimerId id = next_timer_++;
  timers_.emplace(id, Timer{std::move(callback), period_us});
  push_due({clock_.monotonic_us() + delay_us, id});
  return id;
}

bool EventLoop::cancel(TimerId id) {
  if (timers_.erase(id) == 0) return false;
  drop_stale();
  return true;
}

void EventLoop::push_due(Due due) {
  due_.push_back(due);
  std::push_heap(due_.begin(), due_.end(), std::greater<>());
}

void EventLoop::pop_due() {
  std::pop_heap(due_.begin(), due_.end(), std::greater<>());
  due_.pop_back();
}

void EventLoop::drop_stale() {
  while (!due_.empty() && !timers_.contains(due_.front().id)) pop_due();
  if (due_.size() > kStaleTimersMin && due_.size() > 2 * timers_.size()) {
    std::erase_if(due_, [this](Due const& due) { return !timers_.contains(due.id); });
    std::make_heap(due_.begin(), due_.end(), std::greater<>());
  }
}

size_t EventLoop::run_timers() {
  if (due_.empty()) return 0;
  int64_t now = clock_.monotonic_us();
  // Timers that callbacks add wait for the next turn, so that a chain of them cannot hold the loop.
  TimerId first_new = next_timer_;
  size_t fired = 0;
  while (!due_.empty() && due_.front().at_us <= now && due_.front().id < first_new) {
    Due due = due_.front();
    pop_due();
    auto it = timers_.find(due.id);
    if (it == timers_.end()) continue;
    int64_t period = it->second.period_us;
    // Moved out while it runs, because it may cancel itself.
    Callback callback = std::move(it->second.callback);
    if (period == 0) timers_.erase(it);
    callback();
    fired++;
    if (period == 0) continue;
    it = timers_.find(due.id);
    if (it == timers_.end()) continue;
    it->second.callback = std::move(callback);
    int64_t next = due.at_us + period;
    push_due({next > now ? next : now + period, due.id});
  }
  return fired;
}

void EventLoop::end_busy() {
  CHECK(busy_ > 0);
  busy_--;
}

int64_t EventLoop::wait_us(int64_t max_wait_us) {
  if (busy_ > 0 || stopped_ || max_wait_us == 0) return 0;
  drop_stale();
  if (due_.empty()) return max_wait_us;
  int64_t until_due = std::max<int64_t>(due_.front().at_us - clock_.monotonic_us(), 0);
  return max_wait_us < 0 ? until_due : std::min(max_wait_us, until_due);
}

int EventLoop::wait(epoll_event* events, int64_t us) {
  if (fine_wait_ && us > 0) {
    timespec timeout{.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
    int count = ::epoll_pwait2(epoll_.get(), events, kEventsPerTurnMax, &timeout, nullptr);
    // Old kernels do not know the call, old container profiles forbid it.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    fine_wait_ = false;
  }
  int64_t ms = us < 0 ? -1 : std::min<int64_t>((us + 999) / 1000, INT_MAX);
  return ::epoll_wait(epoll_.get(), events, kEventsPerTurnMax, static_cast<int>(ms));
}

size_t EventLoop::dispatch(epoll_event const* events, int count) {
  size_t called = 0;
  for (int i = 0; i < count; i++) {
    auto fd = static_cast<int>(static_cast<uint32_t>(events[i].data.u64));
    auto generation = static_cast<uint32_t>(events[i].data.u64 >> 32);
    if (fd == mailbox_.fd()) {
      mailbox_.clear_wakeup();
      continue;
    }
    Registration const& registration = registrations_[static_cast<size_t>(fd)];
    if (registration.handler == nullptr || registration.generation != generation) continue;
    registration.handler->on_ready(events[i].events);
    called++;
  }
  return called;
}

size_t EventLoop::run_once(int64_t max_wait_us) {
  if (before_sleep_) before_sleep_();
  int64_t us = wait_us(max_wait_us);
  bool sleeps = us != 0 && mailbox_.prepare_to_sleep();
  epoll_event events[kEventsPerTurnMax];
  int count = wait(events, sleeps ? us : 0);
  if (sleeps) mailbox_.woke_up();
  CHECK(count >= 0 || errno == EINTR);
  turn_began_us_ = clock_.monotonic_us();
  ready_ = std::max(count, 0);

  size_t called = dispatch(events, count);
  called += mailbox_.drain(kMailPerTurnMax);
  return called + run_timers();
}

void EventLoop::run() {
  while (!stopped_) run_once(kForever);
  stopped_ = false;
}

}  // namespace holdfast
