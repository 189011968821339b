#pragma once

#include <memory>

#include "command/session.h"
#include "command/worker_context.h"

namespace holdfast {

/// The session that replays the AOF. Trusted: nothing is refused. Used by one thread.
class InternalSession final : public Session {
 public:
  InternalSession(Services& services, WorkerContext& context)
      : Session(services, std::make_shared<ClientCard>(), context, Peer::kLoader) {
    act_for_server();
  }
  std::shared_ptr<Waiter> const& waiter() override { return waiter_; }

 private:
  /// Nobody to wake: it never waits.
  class NoWaiter final : public Waiter {
   public:
    void wake() override {}
  };
  std::shared_ptr<Waiter> waiter_ = std::make_shared<NoWaiter>();
};

}  // namespace holdfast
