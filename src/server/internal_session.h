#pragma once

#include <memory>

#include "command/session.h"
#include "command/worker_context.h"

namespace holdfast {

/// A session of the server itself: replays the AOF (trusted: nothing is refused), or runs SHUTDOWN for a signal.
/// Used by one thread.
class InternalSession final : public Session {
 public:
  InternalSession(Services& services, WorkerContext& context, bool is_trusted)
      : Session(services, std::make_shared<ClientCard>()), context_(context), trusted_(is_trusted) {
    set_authenticated(true);
  }
  WorkerContext& worker() override { return context_; }
  std::shared_ptr<Waiter> const& waiter() override { return waiter_; }
  bool trusted() const override { return trusted_; }

 private:
  /// Nobody to wake: whoever runs this session tries again by itself.
  class NoWaiter final : public Waiter {
   public:
    void wake() override {}
  };
  WorkerContext& context_;
  bool trusted_;
  std::shared_ptr<Waiter> waiter_ = std::make_shared<NoWaiter>();
};

}  // namespace holdfast
