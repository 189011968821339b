#include "pubsub/subscribe.h"

#include <string_view>

#include "command/session.h"
#include "keyspace/txn.h"
#include "log/log.h"
#include "pubsub/pubsub.h"

namespace holdfast {
namespace {

struct Words {
  std::string_view subscribe;
  std::string_view unsubscribe;
};

constexpr Words words_of(Topic topic) {
  switch (topic) {
    case Topic::kChannel: return {"subscribe", "unsubscribe"};
    case Topic::kPattern: return {"psubscribe", "punsubscribe"};
    case Topic::kShardChannel: return {"ssubscribe", "sunsubscribe"};
  }
  return {};
}

/// What a confirmation counts: channels and patterns together, shard channels by themselves.
int64_t shown_count(Session const& session, Topic topic) {
  Subscriptions const* names = session.subscriptions.get();
  if (!names) return 0;
  if (topic == Topic::kShardChannel) return static_cast<int64_t>(names->size(topic));
  return static_cast<int64_t>(names->size(Topic::kChannel) + names->size(Topic::kPattern));
}

void confirm(Session const& session, Topic topic, std::string_view word, std::string_view const* name, Reply& reply) {
  reply.push(3);
  reply.bulk(word);
  name ? reply.bulk(*name) : reply.null();
  reply.integer(shown_count(session, topic));
}

/// Confirmations are messages rather than replies: CLIENT REPLY does not hold them back.
class Unmuted {
 public:
  explicit Unmuted(Reply& reply) : reply_(reply), muted_(reply.muted()) { reply.set_muted(false); }
  ~Unmuted() { reply_.set_muted(muted_); }
  Unmuted(Unmuted const&) = delete;
  Unmuted& operator=(Unmuted const&) = delete;

 private:
  Reply& reply_;
  bool muted_;
};

template <Topic kTopic>
void cmd_subscribe(Session& session, Args args, Reply& reply) {
  Unmuted const unmuted(reply);
  for (std::string_view name : args.span().subspan(1)) {
    session.services().pubsub->subscribe(session, kTopic, name);
    confirm(session, kTopic, words_of(kTopic).subscribe, &name, reply);
  }
}

template <Topic kTopic>
void cmd_unsubscribe(Session& session, Args args, Reply& reply) {
  Unmuted const unmuted(reply);
  auto leave = [&](std::string_view name) {
    session.services().pubsub->unsubscribe(session, kTopic, name);
    confirm(session, kTopic, words_of(kTopic).unsubscribe, &name, reply);
  };
  if (args.size() > 1) {
    for (std::string_view name : args.span().subspan(1)) leave(name);
  } else if (session.subscribed() && session.subscriptions->size(kTopic) > 0) {
    for (std::string const& name : session.subscriptions->names(kTopic)) leave(name);
  } else {
    confirm(session, kTopic, words_of(kTopic).unsubscribe, nullptr, reply);
  }
}

/// Changes no key, but has its place in the transaction: replicas are told of it between what comes before it and behind it.
template <Topic kTopic>
void cmd_publish(Txn& txn, Session& session, Args args, Reply& reply) {
  Services& services = session.services();
  int64_t const receivers = services.pubsub->publish(kTopic, args[1], args[2]);
  // Replicas have listeners too. A replica passes on what has come from its primary by itself.
  if (services.log.backlog().active() && services.log.active()) [[unlikely]] txn.effect(args.span());
  // Who listens to what it publishes sees the message before the reply, and never inside the reply of EXEC.
  if (session.subscribed() && !session.executing_transaction) session.deliver_pushes();
  reply.integer(receivers);
}

constexpr CommandRow kSubscribeRows[] = {
    {.name = "subscribe", .arity = -2, .flags = "pubsub noscript loading stale while_subscribed listens", .keys = "",
     .categories = "", .tips = "", .group = "pubsub", .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels", .summary = "Begins to listen to channels.",
     .syntax = "channel:string...", .handler = &cmd_subscribe<Topic::kChannel>},
    {.name = "psubscribe", .arity = -2, .flags = "pubsub noscript loading stale while_subscribed listens_patterns", .keys = "",
     .categories = "", .tips = "", .group = "pubsub", .since = "2.0.0",
     .complexity = "O(N log M) where N is the number of patterns given and M the number of patterns in use",
     .summary = "Begins to listen to all channels whose names match patterns.",
     .syntax = "pattern:block(pattern:pattern)...", .handler = &cmd_subscribe<Topic::kPattern>},
    {.name = "ssubscribe", .arity = -2, .flags = "pubsub noscript loading stale while_subscribed listens",
     .keys = "not_key i1 r(-1,1,0)", .categories = "", .tips = "", .group = "pubsub", .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels", .summary = "Begins to listen to shard channels.",
     .syntax = "shardchannel:string...", .handler = &cmd_subscribe<Topic::kShardChannel>},
    {.name = "unsubscribe", .arity = -1, .flags = "pubsub noscript loading stale while_subscribed", .keys = "",
     .categories = "", .tips = "", .group = "pubsub", .since = "2.0.0",
     .complexity = "O(N) where N is the number of connections that listen to the channels",
     .summary = "Listens no longer to the channels, or to any channel.", .syntax = "[channel:string...]",
     .handler = &cmd_unsubscribe<Topic::kChannel>},
    {.name = "punsubscribe", .arity = -1, .flags = "pubsub noscript loading stale while_subscribed", .keys = "",
     .categories = "", .tips = "", .group = "pubsub", .since = "2.0.0",
     .complexity = "O(N) where N is the number of connections that listen to the patterns",
     .summary = "Listens no longer to the patterns, or to any pattern.", .syntax = "[pattern:pattern...]",
     .handler = &cmd_unsubscribe<Topic::kPattern>},
    {.name = "sunsubscribe", .arity = -1, .flags = "pubsub noscript loading stale while_subscribed",
     .keys = "not_key i1 r(-1,1,0)", .categories = "", .tips = "", .group = "pubsub", .since = "7.0.0",
     .complexity = "O(N) where N is the number of connections that listen to the shard channels",
     .summary = "Listens no longer to the shard channels, or to any of them.", .syntax = "[shardchannel:string...]",
     .handler = &cmd_unsubscribe<Topic::kShardChannel>},
    {.name = "publish", .arity = 3, .flags = "pubsub loading stale fast may_replicate publishes", .keys = "", .categories = "",
     .tips = "", .group = "pubsub", .since = "2.0.0",
     .complexity = "O(N+M) where N is the number of receivers and M the number of patterns in use",
     .summary = "Sends a message to all who listen to a channel.", .syntax = "channel:string message:string",
     .handler = &cmd_publish<Topic::kChannel>},
    {.name = "spublish", .arity = 3, .flags = "pubsub loading stale fast may_replicate publishes", .keys = "not_key i1 r(0,1,0)",
     .categories = "", .tips = "", .group = "pubsub", .since = "7.0.0",
     .complexity = "O(N) where N is the number of receivers",
     .summary = "Sends a message to all who listen to a shard channel.",
     .syntax = "shardchannel:string message:string", .handler = &cmd_publish<Topic::kShardChannel>},
};

}  // namespace

CommandRows subscribe_commands() { return kSubscribeRows; }

}  // namespace holdfast
