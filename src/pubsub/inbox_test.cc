#include "pubsub/inbox.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "pubsub/post_office.h"

namespace holdfast {
namespace {

class Text final : public PushMessage {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  void write(Session&, OutputBuffer& out) const override { out.append(text_); }
  size_t bytes() const override { return text_.size(); }
  std::string const& text() const { return text_; }

 private:
  std::string text_;
};

SharedPush text(std::string const& text) { return std::make_shared<Text const>(text); }
Receivers one(uint64_t id) { return std::make_shared<std::vector<uint64_t> const>(1, id); }

std::vector<std::string> take(Inbox& inbox) {
  std::vector<std::string> texts;
  inbox.drain([&](Inbox::Delivery const& delivery) {
    texts.push_back(delivery.message ? static_cast<Text const&>(*delivery.message).text() : "lost");
  });
  return texts;
}

TEST(Inbox, DeliversInOrderAndTellsTheOwnerOnce) {
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  EXPECT_TRUE(inbox.push(text("a"), one(1)));
  EXPECT_FALSE(inbox.push(text("b"), one(1)));
  EXPECT_FALSE(inbox.push(text("c"), one(1)));
  EXPECT_FALSE(inbox.empty());
  EXPECT_EQ(take(inbox), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(inbox.empty());
  EXPECT_TRUE(inbox.push(text("d"), one(1)));
  EXPECT_EQ(take(inbox), (std::vector<std::string>{"d"}));
}

TEST(Inbox, ThrowsAwayWhatIsTooMuchButTellsWhoseItWas) {
  constexpr size_t kBytesMax = 1000;
  Inbox inbox;
  inbox.push(text(std::string(2000, 'x')), one(1), kBytesMax);  // nothing waited yet
  inbox.push(text("b"), one(7), kBytesMax);
  std::vector<uint64_t> lost;
  inbox.drain([&](Inbox::Delivery const& delivery) {
    if (!delivery.message) lost = *delivery.receivers;
  });
  EXPECT_EQ(lost, std::vector<uint64_t>{7});
  inbox.push(text("c"), one(1), kBytesMax);
  EXPECT_EQ(take(inbox), (std::vector<std::string>{"c"})) << "there is room again";
}

TEST(Inbox, WhatIsNotDeliveredIsFreed) {
  Inbox inbox;
  inbox.push(text("a"), one(1));
  inbox.push(text("b"), one(1));
}

TEST(PostOffice, WakesEachWorkerThatHadNothingToDoAfterTheRound) {
  PostOffice office(3);
  std::vector<int> woken;
  office.wake = [&](int worker) { woken.push_back(worker); };
  {
    PostOffice::Round round(office);
    round.send_one(2, text("a"), 1);
    round.send_one(2, text("b"), 1);
    round.send_one(0, text("a"), 1);
    EXPECT_TRUE(woken.empty());
  }
  EXPECT_EQ(woken, (std::vector<int>{2, 0}));
  EXPECT_TRUE(office.inbox(1).empty());
}

TEST(Inbox, ManySendersKeepTheirOrders) {
  constexpr int kSenders = 4;
  constexpr int kMessages = 2000;
  Inbox inbox;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; sender++) {
    senders.emplace_back([&inbox, sender] {
      for (int i = 0; i < kMessages; i++) inbox.push(text(std::to_string(i)), one(static_cast<uint64_t>(sender)));
    });
  }
  std::vector<int> next(kSenders, 0);
  int received = 0;
  while (received < kSenders * kMessages) {
    inbox.drain([&](Inbox::Delivery const& delivery) {
      size_t const sender = delivery.receivers->front();
      EXPECT_EQ(static_cast<Text const&>(*delivery.message).text(), std::to_string(next[sender]));
      next[sender]++;
      received++;
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace holdfast
