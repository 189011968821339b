#include "admin/client_tracking.h"

#include <algorithm>
#include <string>
#include <vector>

#include "command/errors.h"
#include "command/session.h"
#include "pubsub/tracking.h"

namespace holdfast {
namespace {

/// The arguments of CLIENT TRACKING, as they are given.
struct Options {
  TrackingState wanted;
  std::vector<std::string> prefixes;
};

/// On failure writes the error.
std::optional<Options> parse_options(Session& session, Args args, Reply& reply) {
  Options options;
  TrackingState& wanted = options.wanted;
  for (size_t i = 3; i < args.size(); i++) {
    bool const more = i + 1 < args.size();
    if (args.is(i, "REDIRECT") && more) {
      if (wanted.redirect != 0) {
        reply.error("A client can only redirect to a single other client");
        return std::nullopt;
      }
      std::optional<int64_t> const id = args.integer(++i, reply);
      if (!id) return std::nullopt;
      wanted.redirect = static_cast<uint64_t>(*id);
      if (auto const target = session.services().clients.find(wanted.redirect); !target || target->primary) {
        reply.error("The client ID you want redirect to does not exist");
        return std::nullopt;
      }
    } else if (args.is(i, "BCAST")) {
      wanted.broadcast = true;
    } else if (args.is(i, "OPTIN")) {
      wanted.opt_in = true;
    } else if (args.is(i, "OPTOUT")) {
      wanted.opt_out = true;
    } else if (args.is(i, "NOLOOP")) {
      wanted.no_loop = true;
    } else if (args.is(i, "PREFIX") && more) {
      options.prefixes.emplace_back(args[++i]);
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

/// Why the options do not go together or with what the session has; empty when they do.
std::string_view contradiction(Session const& session, Options const& options) {
  TrackingState const& wanted = options.wanted;
  TrackingState const* present = session.tracking.get();
  if (!wanted.broadcast && !options.prefixes.empty()) return "PREFIX option requires BCAST mode to be enabled";
  if (present && present->broadcast != wanted.broadcast) {
    return "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with "
           "a different mode.";
  }
  if (wanted.broadcast && (wanted.opt_in || wanted.opt_out)) return "OPTIN and OPTOUT are not compatible with BCAST";
  if (wanted.opt_in && wanted.opt_out) return "You can't specify both OPTIN mode and OPTOUT mode";
  if (present && ((wanted.opt_in && present->opt_out) || (wanted.opt_out && present->opt_in))) {
    return "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
           "different mode.";
  }
  return {};
}

bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

/// False: one prefix begins with another one (the error is written).
bool check_prefixes(std::vector<std::string> const& present, std::vector<std::string> const& added, Reply& reply) {
  constexpr std::string_view kRule = "'. Prefixes for a single client must not overlap.";
  for (size_t i = 0; i < added.size(); i++) {
    for (std::string const& other : present) {
      if (!overlap(added[i], other)) continue;
      reply.error("Prefix '" + added[i] + "' overlaps with an existing prefix '" + other + std::string(kRule));
      return false;
    }
    for (size_t j = i + 1; j < added.size(); j++) {
      if (!overlap(added[i], added[j])) continue;
      reply.error("Prefix '" + added[i] + "' overlaps with another provided prefix '" + added[j] + std::string(kRule));
      return false;
    }
  }
  return true;
}

void cmd_client_tracking(Session& session, Args args, Reply& reply) {
  std::optional<Options> options = parse_options(session, args, reply);
  if (!options) return;
  Tracking& tracking = *session.services().tracking;
  if (args.is(2, "OFF")) {
    tracking.disable(session);
    return reply.ok();
  }
  if (!args.is(2, "ON")) return reply.error(errors::kSyntax);
  std::string_view const problem = contradiction(session, *options);
  if (!problem.empty()) return reply.error(problem);
  TrackingState& wanted = options->wanted;
  if (wanted.broadcast) {
    std::vector<std::string> present;
    if (session.tracking) present = session.tracking->prefixes;
    if (!check_prefixes(present, options->prefixes, reply)) return;
    if (options->prefixes.empty()) options->prefixes.emplace_back();
    wanted.prefixes = std::move(present);
    wanted.prefixes.insert(wanted.prefixes.end(), options->prefixes.begin(), options->prefixes.end());
    std::ranges::sort(wanted.prefixes);
    auto const repeated = std::ranges::unique(wanted.prefixes);
    wanted.prefixes.erase(repeated.begin(), repeated.end());
  }
  tracking.enable(session, std::move(wanted));
  reply.ok();
}

void cmd_client_caching(Session& session, Args args, Reply& reply) {
  TrackingState* const state = session.tracking.get();
  if (!state) {
    return reply.error(
        "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  }
  bool const yes = args.is(2, "YES");
  if (!yes && !args.is(2, "NO")) return reply.error(errors::kSyntax);
  if (yes && !state->opt_in) {
    return reply.error("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  }
  if (!yes && !state->opt_out) {
    return reply.error("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  }
  state->caching = true;
  reply.ok();
}

int64_t shown_redirect(Session const& session) {
  return session.tracking ? static_cast<int64_t>(session.tracking->redirect) : -1;
}

void cmd_client_getredir(Session& session, Args, Reply& reply) { reply.integer(shown_redirect(session)); }

void cmd_client_trackinginfo(Session& session, Args, Reply& reply) {
  TrackingState const* const state = session.tracking.get();
  std::vector<std::string_view> flags = {state ? "on" : "off"};
  if (state) {
    if (state->broadcast) flags.push_back("bcast");
    if (state->opt_in) flags.push_back("optin");
    if (state->opt_in && state->caching) flags.push_back("caching-yes");
    if (state->opt_out) flags.push_back("optout");
    if (state->opt_out && state->caching) flags.push_back("caching-no");
    if (state->no_loop) flags.push_back("noloop");
    if (state->broken_redirect) flags.push_back("broken_redirect");
  }
  reply.map(3);
  reply.bulk("flags");
  reply.set(flags.size());
  for (std::string_view flag : flags) reply.bulk(flag);
  reply.field("redirect", shown_redirect(session));
  reply.bulk("prefixes");
  reply.array(state ? state->prefixes.size() : 0);
  if (!state) return;
  for (std::string const& prefix : state->prefixes) reply.bulk(prefix);
}

#define HOLDFAST_TRACKING \
  .flags = "noscript loading stale", .keys = "", .categories = "connection", .tips = "", .group = "connection"

constexpr CommandRow kClientTrackingRows[] = {
    {.name = "client|caching", .arity = 3, HOLDFAST_TRACKING, .since = "6.0.0", .complexity = "O(1)",
     .summary = "Says whether what the next command reads is tracked.", .syntax = "mode:oneof(YES|NO)",
     .handler = &cmd_client_caching},
    {.name = "client|getredir", .arity = 2, HOLDFAST_TRACKING, .since = "6.0.0", .complexity = "O(1)",
     .summary = "Tells which connection gets the invalidation messages of this one.", .syntax = "",
     .handler = &cmd_client_getredir},
    {.name = "client|tracking", .arity = -3, HOLDFAST_TRACKING, .since = "6.0.0",
     .complexity = "O(1); with prefixes O(N*M) for N new ones and M in all",
     .summary = "Begins or ends telling this connection which of the keys it has read have changed.",
     .syntax = "status:oneof(ON|OFF) [REDIRECT client-id:integer] [PREFIX prefix:string...TOKEN] "
               "[BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
     .handler = &cmd_client_tracking},
    {.name = "client|trackinginfo", .arity = 2, HOLDFAST_TRACKING, .since = "6.2.0", .complexity = "O(1)",
     .summary = "Tells how keys are tracked for this connection.", .syntax = "", .handler = &cmd_client_trackinginfo},
};

#undef HOLDFAST_TRACKING

}  // namespace

CommandRows client_tracking_commands() { return kClientTrackingRows; }

}  // namespace holdfast
