#include "command/client_eviction.h"

#include <gtest/gtest.h>

#include "command/client_card.h"
#include "command/memory_usage.h"

namespace holdfast {
namespace {

class ClientEvictionTest : public testing::Test {
 protected:
  /// A connection that takes exactly so many bytes.
  std::shared_ptr<ClientCard> client(uint64_t bytes, bool no_evict = false) {
    auto card = std::make_shared<ClientCard>();
    card->output_bytes = bytes - client_memory(*card);
    card->no_evict = no_evict;
    clients_.push_back(card);
    return card;
  }
  std::vector<std::shared_ptr<ClientCard>> evicted(uint64_t limit) { return clients_to_evict(clients_, limit); }
  using Cards = std::vector<std::shared_ptr<ClientCard>>;

  std::vector<std::shared_ptr<ClientCard>> clients_;
};

TEST_F(ClientEvictionTest, NobodyGoesBelowTheLimitAndSomebodyAtIt) {
  client(10'000);
  auto const big = client(20'000);
  EXPECT_EQ(evicted(30'001), Cards{});
  EXPECT_EQ(evicted(30'000), Cards{big});
}

TEST_F(ClientEvictionTest, TheBiggestGoFirstUntilItIsEnough) {
  auto const first = client(10'000);
  auto const third = client(40'000);
  auto const fourth = client(80'000);
  auto const second = client(20'000);
  EXPECT_EQ(evicted(100'000), (Cards{fourth}));
  EXPECT_EQ(evicted(50'000), (Cards{fourth, third}));
  EXPECT_EQ(evicted(1), (Cards{fourth, third, second, first}));
}

TEST_F(ClientEvictionTest, WhoMayNotBeEvictedCountsAndStays) {
  auto const small = client(10'000);
  client(1'000'000, true);
  EXPECT_EQ(evicted(1'000'000), Cards{small});
  EXPECT_EQ(evicted(2'000'000), Cards{});
}

TEST_F(ClientEvictionTest, WithinAPowerOfTwoAllAreAlike) {
  auto const first = client(33'000);
  auto const second = client(65'000);
  EXPECT_EQ(evicted(98'000), Cards{first});
  EXPECT_EQ(evicted(60'000), (Cards{first, second}));
}

}  // namespace
}  // namespace holdfast
