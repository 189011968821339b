#include "keyspace/tracked_keys.h"

#include <algorithm>

namespace holdfast {

TrackedKeys::Added TrackedKeys::remember(std::string_view key, uint64_t client) {
  auto found = keys_.find(key);
  bool const is_new = found == keys_.end();
  if (is_new) found = keys_.emplace(std::string(key), std::vector<uint64_t>()).first;
  std::vector<uint64_t>& clients = found->second;
  auto at = std::ranges::lower_bound(clients, client);
  if (at != clients.end() && *at == client) return {};
  clients.insert(at, client);
  return {is_new ? 1 : 0, 1};
}

std::vector<uint64_t> TrackedKeys::take(std::string_view key) {
  auto found = keys_.find(key);
  if (found == keys_.end()) return {};
  std::vector<uint64_t> clients = std::move(found->second);
  keys_.erase(found);
  return clients;
}

std::optional<std::pair<std::string, std::vector<uint64_t>>> TrackedKeys::take_any() {
  if (keys_.empty()) return std::nullopt;
  auto node = keys_.extract(keys_.begin());
  return std::pair(std::move(node.key()), std::move(node.mapped()));
}

}  // namespace holdfast
