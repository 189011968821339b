#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/families.h"
#include "commands/command_fixture.h"
#include "commands/families.h"
#include "pubsub/audience.h"
#include "replication/replication.h"
#include "pubsub/monitor_command.h"
#include "pubsub/subscribe.h"

namespace holdfast {

/// Speaks with the gate as a connection does, with every family that there is.
class AdminTest : public CommandTest {
 protected:
  AdminTest() : CommandTest(all_families()) {
    set("enable-debug-command", "yes");
    services().observers = &audience_;
    services().pubsub = &audience_.pubsub;
    services().tracking = &audience_.tracking;
    services().monitors = &audience_.monitors;
    services().replication = &replication_;
  }
  /// The session takes itself out of the audience.
  ~AdminTest() override { session_.reset(); }

  Services& services() { return session_->services(); }

  /// A bulk or verbatim reply without its quotes, escapes resolved.
  std::string text(std::string_view line) {
    auto words = split_args(run(line));
    return words && words->size() == 1 ? words->front() : "not one text";
  }

  /// The lines of an INFO section, "name:value" each.
  std::string info_field(std::string_view section, std::string_view name) {
    std::string const all = text("info " + std::string(section));
    std::string const start = "\n" + std::string(name) + ":";
    size_t const at = all.find(start);
    if (at == std::string::npos) return "missing";
    size_t const begin = at + start.size();
    return all.substr(begin, all.find("\r\n", begin) - begin);
  }

 private:
  static std::vector<CommandRows> all_families() {
    std::vector<CommandRows> families = command_families();
    families.push_back(subscribe_commands());
    families.push_back(monitor_command());
    for (CommandRows rows : admin_families()) families.push_back(rows);
    return families;
  }
  void set(std::string const& directive, std::string const& value) {
    EXPECT_TRUE(config_.load_text(directive + " " + value + "\n"));
  }

  replication::Replication replication_{services(), gate(), statistics().add_worker()};
  Audience audience_{{1, clock_, config_, keyspace_, services().clients}};
};

}  // namespace holdfast
