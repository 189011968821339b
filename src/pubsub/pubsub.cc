#include "pubsub/pubsub.h"

#include <memory>
#include <utility>

#include "base/glob.h"
#include "command/session.h"
#include "pubsub/channel_message.h"

namespace holdfast {
namespace {

Subscriber subscriber(Session& session) { return {session.card().worker, session.card().id}; }

constexpr Topic kTopics[] = {Topic::kChannel, Topic::kPattern, Topic::kShardChannel};

}  // namespace

void PubSub::update_card(Session& session) {
  ClientCard& card = session.card();
  Subscriptions const* names = session.subscriptions.get();
  auto count = [names](Topic topic) { return names ? static_cast<int>(names->size(topic)) : 0; };
  card.channels.store(count(Topic::kChannel), std::memory_order_relaxed);
  card.patterns.store(count(Topic::kPattern), std::memory_order_relaxed);
  card.shard_channels.store(count(Topic::kShardChannel), std::memory_order_relaxed);
  card.listening_bytes.store(names ? names->bytes() : 0, std::memory_order_relaxed);
}

bool PubSub::subscribe(Session& session, Topic topic, std::string_view name) {
  if (!session.subscriptions) session.subscriptions = std::make_unique<Subscriptions>();
  session.observed = true;
  if (!session.subscriptions->add(topic, name)) return false;
  if (topic == Topic::kPattern) {
    patterns_.add(name, subscriber(session));
  } else {
    registry(topic).add(name, subscriber(session));
  }
  update_card(session);
  return true;
}

bool PubSub::unsubscribe(Session& session, Topic topic, std::string_view name) {
  if (!session.subscribed() || !session.subscriptions->remove(topic, name)) return false;
  if (topic == Topic::kPattern) {
    patterns_.remove(name, subscriber(session));
  } else {
    registry(topic).remove(name, subscriber(session));
  }
  if (session.subscriptions->empty()) session.subscriptions.reset();
  update_card(session);
  return true;
}

void PubSub::unsubscribe_all(Session& session) {
  for (Topic topic : kTopics) {
    if (!session.subscribed()) return;
    for (std::string const& name : session.subscriptions->names(topic)) unsubscribe(session, topic, name);
  }
}

int64_t PubSub::publish(Topic topic, std::string_view channel, std::string_view payload) {
  ChannelRegistry& registry = this->registry(topic);
  SharedBufferRef shared;
  auto make = [&](Topic as, std::string_view pattern) -> SharedPush {
    if (!shared) shared = ChannelMessage::share(payload);
    return std::make_shared<ChannelMessage const>(as, pattern, channel, payload, shared);
  };
  // All that takes time comes before the channel's mutex: matching, and making the messages.
  std::shared_ptr<PatternRegistry::List const> const patterns = topic == Topic::kChannel ? patterns_.list() : nullptr;
  std::vector<std::pair<PatternRegistry::Entry const*, SharedPush>> matching;
  if (patterns) {
    for (PatternRegistry::Entry const& entry : *patterns) {
      if (glob_match(entry.pattern, channel)) matching.emplace_back(&entry, make(Topic::kPattern, entry.pattern));
    }
  }
  SharedPush const message = registry.count(channel) ? make(topic, {}) : nullptr;
  if (!message && matching.empty()) return 0;
  PostOffice::Round round(office_);
  size_t receivers = 0;
  receivers += registry.send(channel, message, round, [&] {
    for (auto const& [entry, of_pattern] : matching) {
      for (Subscribers::Group const& group : entry->groups) round.send(group.worker, of_pattern, group.receivers);
      receivers += entry->count;
    }
  });
  return static_cast<int64_t>(receivers);
}

}  // namespace holdfast
