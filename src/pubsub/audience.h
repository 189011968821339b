#pragma once

#include "command/observers.h"
#include "pubsub/post_office.h"
#include "pubsub/pubsub.h"

namespace holdfast {

/// All that is sent to connections that have not asked for it at that moment. One for the process; any thread.
class Audience final : public Observers {
 public:
  explicit Audience(int workers) : office(workers), pubsub(office) {}

  void forget(Session& session) override;

  PostOffice office;
  PubSub pubsub;
};

}  // namespace holdfast
