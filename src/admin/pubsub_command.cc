#include "admin/pubsub_command.h"

#include "admin/help.h"
#include "command/session.h"
#include "pubsub/pubsub.h"

namespace holdfast {
namespace {

constexpr char kPubsub[] = "pubsub";

template <bool kShard>
ChannelRegistry const& registry(Session& session) {
  PubSub const& pubsub = *session.services().pubsub;
  return kShard ? pubsub.shard_channels() : pubsub.channels();
}

template <bool kShard>
void cmd_pubsub_channels(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) return reply_wrong_arguments(args, reply);
  std::vector<std::string> const names = registry<kShard>(session).names(args.size() == 3 ? args[2] : "*");
  reply.array(names.size());
  for (std::string const& name : names) reply.bulk(name);
}

template <bool kShard>
void cmd_pubsub_numsub(Session& session, Args args, Reply& reply) {
  reply.array((args.size() - 2) * 2);
  for (std::string_view name : args.span().subspan(2)) {
    reply.field(name, registry<kShard>(session).count(name));
  }
}

void cmd_pubsub_numpat(Session& session, Args, Reply& reply) {
  reply.integer(static_cast<int64_t>(session.services().pubsub->patterns()));
}

#define HOLDFAST_PUBSUB .categories = "", .tips = "", .group = "pubsub"

constexpr CommandRow kPubsubRows[] = {
    {.name = "pubsub", .arity = -2, .flags = "", .keys = "", HOLDFAST_PUBSUB, .since = "2.8.0",
     .complexity = "Depends on the subcommand.", .summary = "Commands about channels and who listens to them.",
     .syntax = ""},
    {.name = "pubsub|channels", .arity = -2, .flags = "pubsub loading stale", .keys = "", HOLDFAST_PUBSUB,
     .since = "2.8.0", .complexity = "O(N) where N is the number of channels that somebody listens to",
     .summary = "Names the channels that somebody listens to.", .syntax = "[pattern:pattern]",
     .handler = &cmd_pubsub_channels<false>},
    {.name = "pubsub|help", .arity = 2, .flags = "loading stale", .keys = "", HOLDFAST_PUBSUB, .since = "6.2.0",
     .complexity = "O(1)", .summary = "Prints this help.", .syntax = "", .handler = &cmd_help<kPubsub>},
    {.name = "pubsub|numpat", .arity = 2, .flags = "pubsub loading stale", .keys = "", HOLDFAST_PUBSUB,
     .since = "2.8.0", .complexity = "O(1)", .summary = "Counts the patterns that somebody listens to.", .syntax = "",
     .handler = &cmd_pubsub_numpat},
    {.name = "pubsub|numsub", .arity = -2, .flags = "pubsub loading stale", .keys = "", HOLDFAST_PUBSUB,
     .since = "2.8.0", .complexity = "O(N) where N is the number of channels given",
     .summary = "Counts who listens to each channel.", .syntax = "[channel:string...]",
     .handler = &cmd_pubsub_numsub<false>},
    {.name = "pubsub|shardchannels", .arity = -2, .flags = "pubsub loading stale", .keys = "", HOLDFAST_PUBSUB,
     .since = "7.0.0", .complexity = "O(N) where N is the number of shard channels that somebody listens to",
     .summary = "Names the shard channels that somebody listens to.", .syntax = "[pattern:pattern]",
     .handler = &cmd_pubsub_channels<true>},
    {.name = "pubsub|shardnumsub", .arity = -2, .flags = "pubsub loading stale", .keys = "", HOLDFAST_PUBSUB,
     .since = "7.0.0", .complexity = "O(N) where N is the number of shard channels given",
     .summary = "Counts who listens to each shard channel.", .syntax = "[shardchannel:string...]",
     .handler = &cmd_pubsub_numsub<true>},
};

#undef HOLDFAST_PUBSUB

}  // namespace

CommandRows pubsub_commands() { return kPubsubRows; }

}  // namespace holdfast
