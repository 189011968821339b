#include "keyspace/hot_keys.h"

#include <algorithm>

namespace holdfast {

void HotKeys::decay(int64_t now_ms) {
  if (began_ms_ == 0) began_ms_ = period_ms_ = now_ms;
  int64_t const periods = (now_ms - period_ms_) / kHalfLifeMs;
  if (periods <= 0) return;
  period_ms_ += periods * kHalfLifeMs;
  uint32_t const shift = static_cast<uint32_t>(std::min<int64_t>(periods, 31));
  for (Entry& entry : entries_) {
    entry.key.count >>= shift;
    entry.key.error >>= shift;
  }
  std::erase_if(entries_, [](Entry const& entry) { return entry.key.count == 0; });
}

void HotKeys::sample(int db, uint64_t hash, std::string_view name, int64_t now_ms) {
  decay(now_ms);
  for (Entry& entry : entries_) {
    if (entry.hash == hash && entry.key.db == db) {
      entry.key.count++;
      return;
    }
  }
  if (entries_.size() < kKeysMax) {
    entries_.push_back({hash, {db, std::string(name), 1, 0}});
    return;
  }
  auto const least = std::ranges::min_element(entries_, {}, [](Entry const& entry) { return entry.key.count; });
  uint32_t const inherited = least->key.count;
  *least = {hash, {db, std::string(name), inherited + 1, inherited}};
}

std::vector<HotKeys::Key> HotKeys::keys(int64_t now_ms) {
  decay(now_ms);
  std::vector<Key> keys;
  for (Entry const& entry : entries_) keys.push_back(entry.key);
  return keys;
}

double HotKeys::per_second(uint32_t count, int64_t now_ms) const {
  // A constant rate r leaves r * half-life behind each halving, and goes on from there. Before the first one there was nothing.
  int64_t const since_ms = now_ms - period_ms_;
  int64_t const counted_ms = period_ms_ == began_ms_ ? std::max<int64_t>(since_ms, 1000) : kHalfLifeMs + since_ms;
  return static_cast<double>(count) * kSampledOneOf * 1000 / static_cast<double>(counted_ms);
}

}  // namespace holdfast
