#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/observers.h"
#include "command/subscriptions.h"
#include "pubsub/channel_registry.h"
#include "pubsub/pattern_registry.h"
#include "pubsub/post_office.h"

namespace holdfast {

/// Channels, patterns, shard channels: who listens, and publishing. Any thread; a session is used on its own.
class PubSub {
 public:
  explicit PubSub(PostOffice& office) : office_(office) {}

  /// False: the session listens already. From then on it gets what is published.
  bool subscribe(Session& session, Topic topic, std::string_view name);
  /// False: it did not listen. From then on it gets nothing of it.
  bool unsubscribe(Session& session, Topic topic, std::string_view name);
  void unsubscribe_all(Session& session);

  /// Sends to all who listen to `channel` (a channel or shard channel), of all workers, and never waits. Returns how many
  /// they are; a connection that listens in two ways counts twice.
  int64_t publish(Topic topic, std::string_view channel, std::string_view payload);
  /// Nobody listens to any channel or pattern.
  bool nobody() const { return channels().size() == 0 && patterns_.size() == 0; }

  ChannelRegistry const& channels() const { return channels_[0]; }
  ChannelRegistry const& shard_channels() const { return channels_[1]; }
  size_t patterns() const { return patterns_.size(); }

 private:
  ChannelRegistry& registry(Topic topic) { return channels_[topic == Topic::kShardChannel ? 1 : 0]; }
  static void update_card(Session& session);

  PostOffice& office_;
  std::array<ChannelRegistry, 2> channels_;
  PatternRegistry patterns_;
};

}  // namespace holdfast
