#pragma once

#include <functional>

#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace holdfast {

/// SIGTERM and SIGINT as events of a loop (signalfd). The signals are blocked by `block_signals` before any thread starts.
class SignalReceiver final : public EventLoop::Handler {
 public:
  /// Blocks SIGTERM and SIGINT, ignores SIGHUP and SIGPIPE, in this and all later threads.
  static void block_signals();

  SignalReceiver(EventLoop& loop, std::function<void(int signal)> received);
  ~SignalReceiver();
  void on_ready(uint32_t events) override;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
  std::function<void(int)> received_;
};

}  // namespace holdfast
