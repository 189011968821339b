#include "pubsub/tracking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "pubsub/audience_fixture.h"

namespace holdfast {
namespace {

/// One connection that reads and tracks in RESP3, and messages to it as text.
class TrackingTest : public AudienceTest {
 protected:
  TrackingTest() : AudienceTest(1) {
    keyspace_.attach_listener(&audience_);
    session_->set_protocol(3);
  }

  void track(TrackingState state = {}) { audience_.tracking.enable(*session_, std::move(state)); }

  std::string received() {
    audience_.after_command(*session_);
    return AudienceTest::received(*session_);
  }
  static std::string invalidate(std::string const& key) {
    return ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
  }
};

TEST_F(TrackingTest, AKeyThatWasReadIsToldOfOnce) {
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

TEST_F(TrackingTest, ExpiryIsToldEvenWithNoloop) {
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

TEST_F(TrackingTest, ATableThatIsFullForgetsAndTells) {
  EXPECT_TRUE(config_.load_text("tracking-table-max-keys 3\n"));
  track();
  for (char const* key : {"k1", "k2", "k3", "k4", "k5"}) run(std::string("get ") + key);
  EXPECT_EQ(keyspace_.tracked_keys, 5);
  std::string const messages = received();
  EXPECT_EQ(keyspace_.tracked_keys, 3);
  EXPECT_EQ(std::ranges::count(messages, '>'), 2);
}

TEST_F(TrackingTest, ChangesAreCollectedByPrefix) {
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

TEST_F(TrackingTest, ARedirectionToNobodyIsBroken) {
  track({.redirect = 12345});
  run("get a");
  run("set a 1");
  EXPECT_EQ(received(), ">2\r\n$21\r\ntracking-redir-broken\r\n:12345\r\n");
  EXPECT_TRUE(session_->tracking->broken_redirect);
}

TEST_F(TrackingTest, WhoHasStoppedIsToldNothing) {
  track();
  run("get a");
  audience_.tracking.disable(*session_);
  EXPECT_FALSE(keyspace_.tracked);
  run("set a 1");
  track();
  run("set a 2");
  EXPECT_EQ(received(), invalidate("a")) << "of an earlier time, and never wrong";
}

TEST_F(TrackingTest, AMonitorSeesWhatIsExecutedWithoutSecrets) {
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
