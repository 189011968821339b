#include "command/client_eviction.h"

#include <algorithm>
#include <bit>

#include "command/client_card.h"
#include "command/memory_usage.h"

namespace holdfast {

std::vector<std::shared_ptr<ClientCard>> clients_to_evict(std::vector<std::shared_ptr<ClientCard>> clients, uint64_t limit) {
  struct Measured {
    std::shared_ptr<ClientCard> card;
    uint64_t bytes;
  };
  std::vector<Measured> candidates;
  uint64_t total = 0;
  for (auto& card : clients) {
    if (!card->ordinary()) continue;
    uint64_t const bytes = client_memory(*card);
    total += bytes;
    if (!card->no_evict.load(std::memory_order_relaxed)) candidates.push_back({std::move(card), bytes});
  }
  std::ranges::stable_sort(candidates, std::ranges::greater(), [](Measured const& each) { return std::bit_width(each.bytes); });
  std::vector<std::shared_ptr<ClientCard>> chosen;
  for (Measured& each : candidates) {
    if (total < limit) break;
    total -= each.bytes;
    chosen.push_back(std::move(each.card));
  }
  return chosen;
}

}  // namespace holdfast
