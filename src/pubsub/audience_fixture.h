#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "commands/command_fixture.h"
#include "pubsub/audience.h"
#include "pubsub/monitor_command.h"
#include "pubsub/subscribe.h"

namespace holdfast {

/// Commands of a session that may listen, and what is sent to it as text.
class AudienceTest : public CommandTest {
 protected:
  explicit AudienceTest(int workers)
      : CommandTest(families()), audience_{{workers, clock_, config_, keyspace_, session_->services().clients}} {
    Services& services = session_->services();
    services.observers = &audience_;
    services.pubsub = &audience_.pubsub;
    services.tracking = &audience_.tracking;
    services.monitors = &audience_.monitors;
  }
  ~AudienceTest() override { session_.reset(); }

  /// What the inbox of `worker` holds for `session`, as it is written to it.
  std::string received(Session& session, int worker = 0) {
    OutputBuffer out;
    audience_.office.inbox(worker).drain([&](Inbox::Delivery const& delivery) {
      if (std::ranges::count(*delivery.receivers, session.card().id)) delivery.message->write(session, out);
    });
    return out.to_string();
  }

  Audience audience_;

 private:
  static std::vector<CommandRows> families() {
    static constexpr CommandRow kContainers[] = {
        {.name = "memory", .arity = -2, .flags = "", .keys = "", .categories = ""}};
    std::vector<CommandRows> families = command_families();
    families.push_back(kContainers);
    families.push_back(subscribe_commands());
    families.push_back(monitor_command());
    return families;
  }
};

}  // namespace holdfast
