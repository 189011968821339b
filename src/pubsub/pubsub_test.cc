#include "pubsub/pubsub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pubsub/audience_fixture.h"

namespace holdfast {
namespace {

class PubSubTest : public AudienceTest {
 protected:
  static constexpr int kWorkers = 2;

  PubSubTest() : AudienceTest(kWorkers) {
    audience_.office.wake = [this](int) { office_wake_count_++; };
  }
  ~PubSubTest() override { others_.clear(); }

  /// Another connection, of `worker`.
  Session& connect(int worker) {
    auto card = std::make_shared<ClientCard>();
    card->worker = worker;
    session_->services().clients.add(card);
    others_.push_back(std::make_unique<TestSession>(session_->services(), card, session_->worker()));
    return *others_.back();
  }

  PubSub& pubsub_ = audience_.pubsub;
  std::vector<std::unique_ptr<TestSession>> others_;
  int office_wake_count_ = 0;
};

TEST_F(PubSubTest, ConfirmationsCountChannelsAndPatterns) {
  expect("subscribe a", R"(["subscribe" "a" :1])");
  expect("subscribe a", R"(["subscribe" "a" :1])");
  expect("psubscribe a*", R"(["psubscribe" "a*" :2])");
  expect("ssubscribe a", R"(["ssubscribe" "a" :1])");
  expect("get k",
         "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
  expect("ping", R"(["pong" ""])");
  expect("unsubscribe", R"(["unsubscribe" "a" :1])");
  expect("unsubscribe", R"(["unsubscribe" nil :1])");
  expect("punsubscribe", R"(["punsubscribe" "a*" :0])");
  EXPECT_TRUE(session_->subscribed());
  expect("sunsubscribe", R"(["sunsubscribe" "a" :0])");
  EXPECT_FALSE(session_->subscribed());
  expect("get k", "nil");
}

TEST_F(PubSubTest, AMessageIsWrittenInTheProtocolOfItsReceiver) {
  run("subscribe a");
  Session& other = connect(1);
  EXPECT_TRUE(pubsub_.subscribe(other, Topic::kPattern, "?"));
  other.set_protocol(3);
  EXPECT_EQ(pubsub_.publish(Topic::kChannel, "a", "text"), 2);
  EXPECT_EQ(office_wake_count_, 2);
  EXPECT_EQ(received(*session_), "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\ntext\r\n");
  EXPECT_EQ(received(other, 1), ">4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\na\r\n$4\r\ntext\r\n");
}

TEST_F(PubSubTest, ALongPayloadIsWrittenWhole) {
  run("ssubscribe a");
  std::string const payload(100'000, 'x');
  EXPECT_EQ(pubsub_.publish(Topic::kShardChannel, "a", payload), 1);
  EXPECT_EQ(received(*session_), "*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$100000\r\n" + payload + "\r\n");
}

TEST_F(PubSubTest, WhoHasLeftGetsNothingThatWasOnItsWay) {
  run("subscribe a");
  run("subscribe b");
  EXPECT_EQ(pubsub_.publish(Topic::kChannel, "a", "x"), 1);
  EXPECT_EQ(pubsub_.publish(Topic::kChannel, "b", "y"), 1);
  EXPECT_TRUE(pubsub_.unsubscribe(*session_, Topic::kChannel, "a"));
  EXPECT_EQ(received(*session_), "*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$1\r\ny\r\n");
}

TEST_F(PubSubTest, ASessionThatEndsIsTakenOut) {
  Session& other = connect(0);
  pubsub_.subscribe(other, Topic::kChannel, "a");
  pubsub_.subscribe(other, Topic::kPattern, "*");
  pubsub_.subscribe(other, Topic::kShardChannel, "s");
  EXPECT_EQ(other.card().channels + other.card().patterns + other.card().shard_channels, 3);
  EXPECT_GT(other.card().listening_bytes, 0);
  EXPECT_FALSE(pubsub_.nobody());
  others_.clear();
  EXPECT_TRUE(pubsub_.nobody());
  EXPECT_EQ(pubsub_.shard_channels().size(), 0);
  EXPECT_EQ(pubsub_.publish(Topic::kChannel, "a", "x"), 0);
  EXPECT_TRUE(audience_.office.inbox(0).empty());
}

TEST_F(PubSubTest, ResetLeavesEverything) {
  run("subscribe a");
  expect("reset", "+RESET");
  EXPECT_FALSE(session_->subscribed());
  EXPECT_TRUE(pubsub_.nobody());
}

TEST_F(PubSubTest, ReceiversOfEveryWorkerSeeOneOrder) {
  constexpr int kPublishers = 3;
  constexpr int kMessages = 500;
  Session& first = connect(0);
  Session& second = connect(1);
  pubsub_.subscribe(first, Topic::kChannel, "c");
  pubsub_.subscribe(second, Topic::kPattern, "c*");
  std::vector<std::thread> publishers;
  for (int publisher = 0; publisher < kPublishers; publisher++) {
    publishers.emplace_back([this, publisher] {
      for (int i = 0; i < kMessages; i++) {
        EXPECT_EQ(pubsub_.publish(Topic::kChannel, "c", std::to_string(publisher * kMessages + i)), 2);
      }
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  auto numbers = [](std::string const& bytes, size_t words) {
    std::vector<std::string> payloads;
    for (ReplyText text(bytes); !text.at_end();) {
      std::string const message = text.one();  // ["message" "c" "1"]
      payloads.push_back(split_args(std::string_view(message).substr(1, message.size() - 2))->at(words));
    }
    return payloads;
  };
  auto const seen = numbers(received(first, 0), 2);
  EXPECT_EQ(seen.size(), static_cast<size_t>(kPublishers * kMessages));
  EXPECT_EQ(seen, numbers(received(second, 1), 3));
}

TEST_F(PubSubTest, PatternsComeAndGoWhileOthersPublish) {
  std::atomic<bool> stop = false;
  std::thread publisher([&] {
    while (!stop) pubsub_.publish(Topic::kChannel, "c", "x");
  });
  Session& other = connect(1);
  for (int i = 0; i < 300; i++) {
    std::string const pattern = "c*" + std::string(static_cast<size_t>(i % 3), '*');
    EXPECT_TRUE(pubsub_.subscribe(other, Topic::kPattern, pattern));
    EXPECT_TRUE(pubsub_.subscribe(other, Topic::kChannel, "c"));
    received(other, 1);
    EXPECT_TRUE(pubsub_.unsubscribe(other, Topic::kPattern, pattern));
    EXPECT_TRUE(pubsub_.unsubscribe(other, Topic::kChannel, "c"));
  }
  stop = true;
  publisher.join();
  EXPECT_TRUE(pubsub_.nobody());
}

}  // namespace
}  // namespace holdfast
