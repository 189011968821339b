#include "admin/config_command.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "acl/users_file.h"
#include "admin/help.h"
#include "admin/reset_statistics.h"
#include "command/errors.h"
#include "command/server_state.h"
#include "command/session.h"
#include "command/task.h"
#include "config/config.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

constexpr char kConfig[] = "config";

void cmd_config_get(Session& session, Args args, Reply& reply) {
  std::vector<std::string> const patterns(args.span().begin() + 2, args.span().end());
  auto const values = session.services().config.get(patterns);
  reply.map(values.size());
  for (auto const& [name, value] : values) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

/// A change of the configuration: waits until no other connection is in the middle of one.
class ConfigTask : public Task {
 public:
  Progress step(TaskSlice& slice) final {
    ServerState& state = slice.session().services().state;
    // Inside EXEC this spins for as long as another worker needs for its change, which takes no partition locks.
    if (!state.config_change.try_begin()) return Progress::kAgain;
    change(slice.session(), slice.reply());
    state.config_change.end();
    return Progress::kDone;
  }

 private:
  virtual void change(Session& session, Reply& reply) = 0;
};

class ConfigSet final : public ConfigTask {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  explicit ConfigSet(Pairs pairs) : pairs_(std::move(pairs)) {}

 private:
  void change(Session& session, Reply& reply) override {
    Services& services = session.services();
    config::SetContext const context{.loading = services.persistence.loading(),
                                     .local_connection = session.card().local};
    auto const changed = services.config.set(pairs_, context);
    changed ? reply.ok() : reply.error("-" + changed.error().message);
  }

  Pairs pairs_;
};

class ConfigRewrite final : public ConfigTask {
 private:
  void change(Session& session, Reply& reply) override {
    config::Config const& config = session.services().config;
    config::RewriteExtras extras;
    extras.user_lines = acl::user_lines(session.services().users);
    Status const written = config.rewrite(extras);
    written ? reply.ok() : reply.error("-" + written.error().message);
  }
};

std::unique_ptr<Task> cmd_config_set(Session&, Args args, Reply& reply) {
  if (args.size() % 2 != 0) {
    reply.error(errors::kSyntax);
    return nullptr;
  }
  ConfigSet::Pairs pairs;
  for (size_t i = 2; i < args.size(); i += 2) pairs.emplace_back(args[i], args[i + 1]);
  return std::make_unique<ConfigSet>(std::move(pairs));
}

std::unique_ptr<Task> cmd_config_rewrite(Session&, Args, Reply&) { return std::make_unique<ConfigRewrite>(); }

void cmd_config_resetstat(Session& session, Args, Reply& reply) {
  reset_statistics(session.services());
  reply.ok();
}

#define HOLDFAST_ADMIN "admin noscript loading stale"

constexpr CommandRow kConfigRows[] = {
    {.name = "config", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "2.0.0", .complexity = "Depends on the subcommand.", .summary = "Commands about the configuration.",
     .syntax = ""},
    {.name = "config|get", .arity = -3, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "2.0.0", .complexity = "O(N) where N is the number of directives asked for",
     .summary = "Tells the values of the directives that fit the names or patterns.", .syntax = "parameter:string...",
     .handler = &cmd_config_get, .history = "7.0.0: Takes several names or patterns."},
    {.name = "config|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "5.0.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kConfig>},
    {.name = "config|resetstat", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "2.0.0", .complexity = "O(1)", .summary = "Sets the statistics of INFO to zero.",
     .syntax = "", .handler = &cmd_config_resetstat},
    {.name = "config|rewrite", .arity = 2, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "2.8.0", .complexity = "O(1)",
     .summary = "Writes the values in force to the configuration file.", .syntax = "", .handler = &cmd_config_rewrite},
    {.name = "config|set", .arity = -4, .flags = HOLDFAST_ADMIN, .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; response_policy:all_succeeded", .group = "server", .since = "2.0.0",
     .complexity = "O(N) where N is the number of directives given",
     .summary = "Changes directives, all of them or none.", .syntax = "data:block(parameter:string value:string)...",
     .handler = &cmd_config_set, .history = "7.0.0: Takes several directives."},
};

#undef HOLDFAST_ADMIN

}  // namespace

CommandRows config_commands() { return kConfigRows; }

}  // namespace holdfast
