#include "pubsub/tracking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "commands/command_fixture.h"
#include "pubsub/audience.h"
#include "pubsub/monitor_command.h"
#include "pubsub/subscribe.h"

namespace holdfast {
namespace {

/// One connection that reads and tracks in RESP3, and messages to it as text.
class TrackingTest : public CommandTest {
 protected:
  TrackingTest() : CommandTest(families()) {
    Services& services = session_->services();
    services.observers = &audience_;
    services.pubsub = &audience_.pubsub;
    services.tracking = &audience_.tracking;
    services.monitors = &audience_.monitors;
    keyspace_.attach_listener(&audience_);
    session_->set_protocol(3);
  }
  ~TrackingTest() override { session_.reset(); }

  void track(TrackingState state = {}) { audience_.tracking.enable(*session_, std::move(state)); }

  std::string received() {
    audience_.after_command(*session_);
    OutputBuffer out;
    audience_.office.inbox(0).drain([&](Inbox::Delivery const& delivery) {
      if (std::ranges::count(*delivery.receivers, session_->card().id)) delivery.message->write(*session_, out);
    });
    return out.to_string();
  }
  static std::string invalidate(std::string const& key) {
    return ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
  }

  Audience audience_{{1, clock_, config_, keyspace_, session_->services().clients}};

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

TEST_F(TrackingTest, a_key_that_was_read_is_told_of_once) {
  track();
  run("get a");
  run("get b");
  EXPECT_EQ(keyspace_.tracked_keys, 2);
  run("set a 1");
  run("set a 2");
  EXPECT_EQ(received(), invalidate("a"));
  EXPECT_EQ(keyspace_.tracked_keys, 1);
  run("flushall");
  EXPECT_EQ(received(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  EXPECT_EQ(keyspace_.tracked_keys, 0);
  EXPECT_EQ(keyspace_.tracked_items, 0);
}

TEST_F(TrackingTest, expiry_is_told_even_with_noloop) {
  track({.no_loop = true});
  run("set a 1 px 100");
  run("get a");
  run("append a 1");
  EXPECT_EQ(received(), "");
  run("get a");
  move_clock(200);
  run("exists a");
  EXPECT_EQ(received(), invalidate("a"));
}

TEST_F(TrackingTest, a_table_that_is_full_forgets_and_tells) {
  EXPECT_TRUE(config_.load_text("tracking-table-max-keys 3\n"));
  track();
  for (char const* key : {"k1", "k2", "k3", "k4", "k5"}) run(std::string("get ") + key);
  EXPECT_EQ(keyspace_.tracked_keys, 5);
  std::string const messages = received();
  EXPECT_EQ(keyspace_.tracked_keys, 3);
  EXPECT_EQ(std::ranges::count(messages, '>'), 2);
}

TEST_F(TrackingTest, changes_are_collected_by_prefix) {
  session_->worker().scratch.worker = 0;
  track({.broadcast = true, .prefixes = {"a", "b"}});
  run("mset a2 x c x a1 x");
  EXPECT_EQ(received(), "");
  audience_.end_turn(0);
  EXPECT_EQ(received(), ">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\na1\r\n$2\r\na2\r\n");
  audience_.end_turn(0);
  EXPECT_EQ(received(), "");
  EXPECT_EQ(keyspace_.tracked_keys, 0);
}

TEST_F(TrackingTest, a_redirection_to_nobody_is_broken) {
  track({.redirect = 12345});
  run("get a");
  run("set a 1");
  EXPECT_EQ(received(), ">2\r\n$21\r\ntracking-redir-broken\r\n:12345\r\n");
  EXPECT_TRUE(session_->tracking->broken_redirect);
}

TEST_F(TrackingTest, who_has_stopped_is_told_nothing) {
  track();
  run("get a");
  audience_.tracking.disable(*session_);
  EXPECT_FALSE(keyspace_.tracked);
  run("set a 1");
  track();
  run("set a 2");
  EXPECT_EQ(received(), invalidate("a")) << "of an earlier time, and never wrong";
}

TEST_F(TrackingTest, a_monitor_sees_what_is_executed_without_secrets) {
  expect("monitor", "+OK");
  run("ping");
  run("auth some secret");
  run("nosuch");
  std::string const lines = received();
  EXPECT_NE(lines.find("] \"ping\"\r\n"), std::string::npos);
  EXPECT_NE(lines.find("] \"auth\" \"(redacted)\" \"(redacted)\"\r\n"), std::string::npos);
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
  expect("get k", "-ERR Replica can't interact with the keyspace");
  run("reset");
  EXPECT_FALSE(audience_.monitored);
}

}  // namespace
}  // namespace holdfast
