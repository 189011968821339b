#include "server/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

sigset_t shutdown_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void SignalReceiver::block_signals() {
  sigset_t set = shutdown_signals();
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

SignalReceiver::SignalReceiver(EventLoop& loop, std::function<void(int)> received)
    : loop_(loop), received_(std::move(received)) {
  sigset_t set = shutdown_signals();
  fd_ = UniqueFd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK(fd_.get() >= 0);
  CHECK(loop_.add(fd_.get(), EPOLLIN, this).has_value());
}

SignalReceiver::~SignalReceiver() { loop_.remove(fd_.get()); }

void SignalReceiver::on_ready(uint32_t) {
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof info) == sizeof info) received_(static_cast<int>(info.ssi_signo));
}

}  // namespace holdfast
