#include "pubsub/keyspace_events.h"

#include <string>

#include "base/number.h"
#include "config/keyspace_events.h"

namespace holdfast {

void KeyspaceEvents::set_mask(uint32_t mask) {
  bool const told = (mask & (config::kEventKeyspace | config::kEventKeyevent)) != 0;
  keyspace_.notified.store(told ? mask : 0, std::memory_order_relaxed);
}

void KeyspaceEvents::publish(std::span<KeyEvent const> events) {
  if (pubsub_.nobody()) return;
  uint32_t const mask = keyspace_.notified.load(std::memory_order_relaxed);
  std::string channel;
  for (KeyEvent const& event : events) {
    std::string const db = to_text(event.db);
    if (mask & config::kEventKeyspace) {
      channel.assign("__keyspace@").append(db).append("__:").append(event.key);
      pubsub_.publish(Topic::kChannel, channel, event.name);
    }
    if (mask & config::kEventKeyevent) {
      channel.assign("__keyevent@").append(db).append("__:").append(event.name);
      pubsub_.publish(Topic::kChannel, channel, event.key);
    }
  }
}

}  // namespace holdfast
