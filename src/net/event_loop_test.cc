#include "net/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace holdfast {
namespace {

class ManualClock final : public Clock {
 public:
  int64_t unix_us() const override { return now_us; }
  int64_t monotonic_us() const override { return now_us; }
  int64_t now_us = 1'000'000;
};

class FunctionHandler final : public EventLoop::Handler {
 public:
  explicit FunctionHandler(std::function<void(uint32_t)> function) : function_(std::move(function)) {}
  void on_ready(uint32_t events) override { function_(events); }

 private:
  std::function<void(uint32_t)> function_;
};

std::pair<UniqueFd, UniqueFd> socket_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

TEST(EventLoop, CallsTheHandlerAsLongAsBytesAreUnread) {
  SystemClock clock;
  EventLoop loop(clock);
  auto [ours, theirs] = socket_pair();
  int calls = 0;
  FunctionHandler handler([&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    calls++;
  });
  ASSERT_TRUE(loop.add(ours.get(), EPOLLIN, &handler));
  EXPECT_EQ(loop.run_once(0), 0u);
  ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 1u);
  EXPECT_EQ(loop.run_once(0), 1u) << "level triggered";
  char byte;
  ASSERT_EQ(::read(ours.get(), &byte, 1), 1);
  EXPECT_EQ(loop.run_once(0), 0u);
  EXPECT_EQ(calls, 2);
}

TEST(EventLoop, ModifyChangesTheEvents) {
  SystemClock clock;
  EventLoop loop(clock);
  auto [ours, theirs] = socket_pair();
  uint32_t seen = 0;
  FunctionHandler handler([&](uint32_t events) { seen = events; });
  ASSERT_TRUE(loop.add(ours.get(), EPOLLIN, &handler));
  EXPECT_EQ(loop.run_once(0), 0u);
  ASSERT_TRUE(loop.modify(ours.get(), EPOLLIN | EPOLLOUT));
  EXPECT_EQ(loop.run_once(0), 1u);
  EXPECT_EQ(seen, static_cast<uint32_t>(EPOLLOUT));
  loop.remove(ours.get());
  EXPECT_EQ(loop.run_once(0), 0u);
  loop.remove(ours.get());
  loop.remove(100'000);
}

TEST(EventLoop, RefusesWhatCannotBeWatched) {
  SystemClock clock;
  EventLoop loop(clock);
  FunctionHandler handler([](uint32_t) {});
  UniqueFd file(::open("/proc/self/exe", 0));
  auto status = loop.add(file.get(), EPOLLIN, &handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().errnum, EPERM);
  EXPECT_EQ(status.error().message, "epoll_ctl: Operation not permitted");
}

TEST(EventLoop, ARemovedHandlerIsNotCalledForAnEventOfTheSameTurn) {
  SystemClock clock;
  EventLoop loop(clock);
  auto a = socket_pair();
  auto b = socket_pair();
  std::unique_ptr<FunctionHandler> first;
  std::unique_ptr<FunctionHandler> second;
  int calls = 0;
  // Whichever is called first closes and destroys the other one.
  first = std::make_unique<FunctionHandler>([&](uint32_t) {
    calls++;
    loop.remove(b.first.get());
    b.first.reset();
    second.reset();
  });
  second = std::make_unique<FunctionHandler>([&](uint32_t) {
    calls++;
    loop.remove(a.first.get());
    a.first.reset();
    first.reset();
  });
  ASSERT_TRUE(loop.add(a.first.get(), EPOLLIN, first.get()));
  ASSERT_TRUE(loop.add(b.first.get(), EPOLLIN, second.get()));
  ASSERT_EQ(::write(a.second.get(), "x", 1), 1);
  ASSERT_EQ(::write(b.second.get(), "x", 1), 1);
  EXPECT_EQ(loop.run_once(0), 1u);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, AnOldEventDoesNotReachTheNewOwnerOfTheNumber) {
  SystemClock clock;
  EventLoop loop(clock);
  auto a = socket_pair();
  auto b = socket_pair();
  auto fresh = socket_pair();
  int fresh_calls = 0;
  int replaced = 0;
  FunctionHandler new_owner([&](uint32_t) { fresh_calls++; });
  // The first one called puts a silent socket under the other one's number.
  auto replace = [&](UniqueFd& other) {
    if (replaced++ > 0) return;
    loop.remove(other.get());
    ASSERT_EQ(::dup3(fresh.first.get(), other.get(), O_CLOEXEC), other.get());
    ASSERT_TRUE(loop.add(other.get(), EPOLLIN, &new_owner));
  };
  FunctionHandler first([&](uint32_t) { replace(b.first); });
  FunctionHandler second([&](uint32_t) { replace(a.first); });
  ASSERT_TRUE(loop.add(a.first.get(), EPOLLIN, &first));
  ASSERT_TRUE(loop.add(b.first.get(), EPOLLIN, &second));
  ASSERT_EQ(::write(a.second.get(), "x", 1), 1);
  ASSERT_EQ(::write(b.second.get(), "x", 1), 1);
  EXPECT_EQ(loop.run_once(0), 1u);
  EXPECT_EQ(replaced, 1);
  EXPECT_EQ(fresh_calls, 0);
}

TEST(EventLoop, TimersFireInOrderWhenDue) {
  ManualClock clock;
  EventLoop loop(clock);
  std::string order;
  loop.after_us(3000, [&] { order += '3'; });
  loop.after_us(1000, [&] { order += '1'; });
  loop.after_us(1000, [&] { order += 'a'; });
  loop.run_once(0);
  EXPECT_EQ(order, "");
  clock.now_us += 999;
  loop.run_once(0);
  EXPECT_EQ(order, "");
  clock.now_us += 1;
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 2u) << "a due timer ends the wait";
  EXPECT_EQ(order, "1a");
  clock.now_us += 10'000;
  loop.run_once(0);
  loop.run_once(0);
  EXPECT_EQ(order, "1a3");
  EXPECT_EQ(loop.turn_began_us(), clock.now_us);
}

TEST(EventLoop, PeriodicTimersDoNotMakeUpForMissedCalls) {
  ManualClock clock;
  EventLoop loop(clock);
  int calls = 0;
  auto id = loop.every(100, [&] { calls++; });
  for (int i = 0; i < 5; i++) {
    clock.now_us += 100'000;
    loop.run_once(0);
  }
  EXPECT_EQ(calls, 5);
  clock.now_us += 1'000'000;
  loop.run_once(0);
  loop.run_once(0);
  EXPECT_EQ(calls, 6);
  clock.now_us += 100'000;
  loop.run_once(0);
  EXPECT_EQ(calls, 7);
  EXPECT_TRUE(loop.cancel(id));
  EXPECT_FALSE(loop.cancel(id));
  clock.now_us += 1'000'000;
  loop.run_once(0);
  EXPECT_EQ(calls, 7);
}

TEST(EventLoop, TimersMayCancelThemselvesAndOthersAndAddNewOnes) {
  ManualClock clock;
  EventLoop loop(clock);
  std::string order;
  EventLoop::TimerId self = 0;
  EventLoop::TimerId other = 0;
  self = loop.every(1, [&, owned = std::string("self ")] {
    order += owned;
    EXPECT_TRUE(loop.cancel(self));
    EXPECT_TRUE(loop.cancel(other));
    loop.after_us(0, [&] { order += "new "; });
    order += owned;
  });
  other = loop.after_us(1000, [&] { order += "other "; });
  clock.now_us += 5000;
  loop.run_once(0);
  EXPECT_EQ(order, "self self ") << "a new timer waits for the next turn";
  loop.run_once(0);
  clock.now_us += 5000;
  loop.run_once(0);
  EXPECT_EQ(order, "self self new ");
}

TEST(EventLoop, ManyCancelledTimersLeaveTheOthers) {
  ManualClock clock;
  EventLoop loop(clock);
  int fired = 0;
  for (int i = 0; i < 10'000; i++) {
    auto id = loop.after_us(10'000 - i, [&] { fired++; });
    if (i % 100 != 0) {
      ASSERT_TRUE(loop.cancel(id));
    }
  }
  clock.now_us += 20'000;
  EXPECT_EQ(loop.run_once(0), 100u);
  EXPECT_EQ(fired, 100);
}

TEST(EventLoop, BusyLoopsDoNotWait) {
  SystemClock clock;
  EventLoop loop(clock);
  loop.begin_busy();
  loop.begin_busy();
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 0u);  // Would hang if it waited.
  loop.end_busy();
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 0u);
  loop.end_busy();
  int fired = 0;
  loop.after_us(1000, [&] { fired++; });
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 1u) << "waits again, until the timer is due";
  EXPECT_EQ(fired, 1);
}

TEST(EventLoop, TheHookRunsBeforeEachWaitAndItsWorkIsSeen) {
  SystemClock clock;
  EventLoop loop(clock);
  int hooks = 0;
  loop.set_before_sleep([&] {
    hooks++;
    loop.mailbox().post([] {});
  });
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 1u);
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 1u);
  EXPECT_EQ(hooks, 2);
}

TEST(EventLoop, MailBeyondTheBoundOfATurnIsNotForgotten) {
  SystemClock clock;
  EventLoop loop(clock);
  size_t delivered = 0;
  for (size_t i = 0; i < EventLoop::kMailPerTurnMax + 5; i++) loop.mailbox().post([&] { delivered++; });
  EXPECT_EQ(loop.run_once(EventLoop::kForever), EventLoop::kMailPerTurnMax);
  EXPECT_EQ(loop.run_once(EventLoop::kForever), 5u);
  EXPECT_EQ(delivered, EventLoop::kMailPerTurnMax + 5);
}

TEST(EventLoop, MailWakesASleepingLoopAndStopsIt) {
  SystemClock clock;
  EventLoop loop(clock);
  EventLoop back(clock);
  int count = 0;
  std::thread thread([&] { loop.run(); });
  // Ping and pong between two loops, each asleep while the other works.
  std::function<void()> ping = [&] {
    if (++count == 1000) {
      back.mailbox().post([&] { back.stop(); });
      loop.stop();
      return;
    }
    back.mailbox().post([&] { loop.mailbox().post(ping); });
  };
  loop.mailbox().post(ping);
  back.run();
  thread.join();
  EXPECT_EQ(count, 1000);
}

TEST(EventLoop, StopBeforeRunEndsTheNextRunOnly) {
  SystemClock clock;
  EventLoop loop(clock);
  loop.stop();
  loop.run();
  int fired = 0;
  loop.after_us(0, [&] {
    fired++;
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(fired, 1);
}

#ifndef HOLDFAST_SANITIZED
/// Makes the wait in microseconds fail for this process as an old container profile does.
void forbid_fine_wait() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{.len = 4, .filter = code};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::_Exit(3);
  }
}

TEST(EventLoopDeathTest, WaitsInMillisecondsWhereTheSystemCannotDoBetter) {
  auto run = [] {
    forbid_fine_wait();
    SystemClock clock;
    EventLoop loop(clock);
    int fired = 0;
    loop.after_us(300, [&] { fired++; });
    for (int turn = 0; turn < 3 && fired == 0; turn++) loop.run_once(EventLoop::kForever);
    std::_Exit(fired == 1 ? 0 : 1);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace holdfast
