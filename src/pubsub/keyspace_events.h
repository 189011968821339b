#pragma once

#include "keyspace/change_listener.h"
#include "keyspace/keyspace.h"
#include "pubsub/pubsub.h"

namespace holdfast {

/// Publishes what happens to keys (notify-keyspace-events): the event in the channel __keyspace@<db>__:<key>, the key in the
/// channel __keyevent@<db>__:<event>. Called under the locks of the transaction; publishing takes leaf mutexes only.
class KeyspaceEvents {
 public:
  KeyspaceEvents(Keyspace& keyspace, PubSub& pubsub) : keyspace_(keyspace), pubsub_(pubsub) {}

  /// `mask` of config::KeyspaceEvents. Nothing is collected when it has neither K nor E.
  void set_mask(uint32_t mask);

  void publish(std::span<KeyEvent const> events);

 private:
  Keyspace& keyspace_;
  PubSub& pubsub_;
};

}  // namespace holdfast
