#pragma once

#include "command/observers.h"
#include "pubsub/keyspace_events.h"
#include "pubsub/post_office.h"
#include "pubsub/pubsub.h"

namespace holdfast {

/// All that is sent to connections that have not asked for it at that moment. One for the process; any thread.
class Audience final : public Observers {
 public:
  Audience(int workers, Keyspace& keyspace) : office(workers), pubsub(office), events(keyspace, pubsub) {}

  void forget(Session& session) override;

  PostOffice office;
  PubSub pubsub;
  KeyspaceEvents events;
};

}  // namespace holdfast
