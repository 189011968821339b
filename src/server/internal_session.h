#pragma once

#include <memory>

#include "command/session.h"
#include "command/worker_context.h"

namespace holdfast {

/// A session of the server itself: replays the AOF, or runs SHUTDOWN for a signal. Trusted: nothing is refused. Used by one
/// thread.
class InternalSession final : public Session {
 public:
  enum class Use : uint8_t { kCommand, kReplay };
  InternalSession(Services& services, WorkerContext& context, Use use)
      : Session(services, std::make_shared<ClientCard>()), context_(context), use_(use) {
    set_authenticated(true);
  }
  WorkerContext& worker() override { return context_; }
  std::shared_ptr<Waiter> const& waiter() override { return waiter_; }
  bool trusted() const override { return true; }
  bool owns_keyspace() const override { return use_ == Use::kReplay; }

 private:
  /// Nobody to wake: whoever runs this session tries again by itself.
  class NoWaiter final : public Waiter {
   public:
    void wake() override {}
  };
  WorkerContext& context_;
  Use use_;
  std::shared_ptr<Waiter> waiter_ = std::make_shared<NoWaiter>();
};

}  // namespace holdfast
