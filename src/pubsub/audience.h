#pragma once

#include "base/clock.h"
#include "command/observers.h"
#include "keyspace/change_listener.h"
#include "pubsub/keyspace_events.h"
#include "pubsub/monitors.h"
#include "pubsub/post_office.h"
#include "pubsub/pubsub.h"
#include "pubsub/tracking.h"

namespace holdfast {

/// All that is sent to connections that have not asked for it at that moment, and those who cause it: sessions, commands,
/// changes of keys. One for the process; any thread.
class Audience final : public Observers, public ChangeListener {
 public:
  struct World {
    int workers;
    Clock const& clock;
    config::Config const& config;
    Keyspace& keyspace;
    ClientRegistry& clients;
  };
  explicit Audience(World const& world);

  void forget(Session& session) override;
  void executed(Session& session, Command const& command, Args args, bool by_script) override;
  void has_read(Session& session, Command const& command, Args args, Txn& txn) override;
  void after_command(Session& session) override;
  void end_turn(int worker) override { tracking.end_turn(worker); }

  void happened(std::span<KeyEvent const> key_events) override { events.publish(key_events); }
  void invalidated(std::span<Invalidation const> keys, uint64_t client, int worker) override {
    tracking.invalidated(keys, client, worker);
  }
  void invalidated_all(uint64_t) override { tracking.invalidated_all(); }

  PostOffice office;
  PubSub pubsub;
  KeyspaceEvents events;
  Tracking tracking;
  Monitors monitors;
};

}  // namespace holdfast
