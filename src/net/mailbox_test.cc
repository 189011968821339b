#include "net/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace holdfast {
namespace {

bool readable(int fd, int timeout_ms = 0) {
  pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, timeout_ms) == 1;
}

TEST(Mailbox, DeliversInOrder) {
  Mailbox mailbox;
  std::string order;
  EXPECT_FALSE(mailbox.has_mail());
  for (char c : {'a', 'b', 'c'}) mailbox.post([&order, c] { order += c; });
  EXPECT_TRUE(mailbox.has_mail());
  EXPECT_EQ(mailbox.drain(100), 3u);
  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(mailbox.has_mail());
  EXPECT_EQ(mailbox.drain(100), 0u);
}

TEST(Mailbox, DrainHasABoundAndKeepsTheRestInOrder) {
  Mailbox mailbox;
  std::string order;
  for (char c : {'a', 'b', 'c'}) mailbox.post([&order, c] { order += c; });
  EXPECT_EQ(mailbox.drain(2), 2u);
  mailbox.post([&order] { order += 'd'; });
  EXPECT_TRUE(mailbox.has_mail());
  EXPECT_FALSE(mailbox.prepare_to_sleep());
  EXPECT_EQ(mailbox.drain(100), 2u);
  EXPECT_EQ(order, "abcd");
}

TEST(Mailbox, TakesOwnMailClassesAndMoveOnlyFunctions) {
  struct Note final : Mail {
    explicit Note(std::string& target) : out(target) {}
    void deliver() override { out += "note "; }
    std::string& out;
  };
  Mailbox mailbox;
  std::string text;
  mailbox.post(std::make_unique<Note>(text));
  mailbox.post([&text, owned = std::make_unique<std::string>("owned")] { text += *owned; });
  mailbox.drain(2);
  EXPECT_EQ(text, "note owned");
}

TEST(Mailbox, MailMayPostMail) {
  Mailbox mailbox;
  int delivered = 0;
  mailbox.post([&] {
    delivered++;
    mailbox.post([&] { delivered++; });
  });
  EXPECT_EQ(mailbox.drain(10), 2u);
  EXPECT_EQ(delivered, 2);
}

TEST(Mailbox, WakesOnlyASleepingOwnerAndOnlyOnce) {
  Mailbox mailbox;
  mailbox.post([] {});
  EXPECT_FALSE(readable(mailbox.fd())) << "the owner is awake: no system call";
  EXPECT_FALSE(mailbox.prepare_to_sleep()) << "there is mail";
  mailbox.drain(1);

  ASSERT_TRUE(mailbox.prepare_to_sleep());
  EXPECT_FALSE(readable(mailbox.fd()));
  mailbox.post([] {});
  EXPECT_TRUE(readable(mailbox.fd()));
  mailbox.woke_up();
  mailbox.clear_wakeup();
  mailbox.drain(1);
  mailbox.post([] {});
  EXPECT_FALSE(readable(mailbox.fd()));
}

TEST(Mailbox, DropsWhatIsLeftWithoutDeliveringIt) {
  auto token = std::make_shared<int>(0);
  bool delivered = false;
  {
    Mailbox mailbox;
    for (int i = 0; i < 3; i++) mailbox.post([token, &delivered] { delivered = true; });
    mailbox.drain(0);
    EXPECT_EQ(token.use_count(), 4);
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(delivered);
}

TEST(Mailbox, ManyProducersAndASleepingConsumer) {
  constexpr int kProducers = 4;
  constexpr int kEach = 20'000;
  Mailbox mailbox;
  std::vector<int> last(kProducers, -1);
  size_t out_of_order = 0;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; producer++) {
    producers.emplace_back([&, producer] {
      for (int i = 0; i < kEach; i++) {
        mailbox.post([&, producer, i] {
          auto& before = last[static_cast<size_t>(producer)];
          out_of_order += i != before + 1;
          before = i;
        });
        if (i % 500 == 0) std::this_thread::yield();
      }
    });
  }
  size_t delivered = 0;
  bool woken = true;
  while (delivered < size_t{kProducers} * kEach && woken) {
    if (mailbox.prepare_to_sleep()) {
      // A lost wake-up shows as a wait that ends without anything to read.
      woken = readable(mailbox.fd(), 60'000);
      mailbox.woke_up();
      mailbox.clear_wakeup();
    }
    delivered += mailbox.drain(64);
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(woken);
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(last, std::vector<int>(kProducers, kEach - 1));
  EXPECT_FALSE(mailbox.has_mail());
}

}  // namespace
}  // namespace holdfast
