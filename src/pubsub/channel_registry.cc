#include "pubsub/channel_registry.h"

#include "base/check.h"
#include "base/glob.h"

namespace holdfast {

ChannelRegistry::ChannelRegistry() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    shard.channels = Channels(0, NameHash{&hasher_});
  }
}

void ChannelRegistry::add(std::string_view channel, Subscriber subscriber) {
  std::string name(channel);
  Shard& shard = this->shard(channel);
  MutexLock lock(shard.mutex);
  auto [found, added] = shard.channels.try_emplace(std::move(name));
  found->second.add(subscriber);
  if (added) size_.fetch_add(1);
}

void ChannelRegistry::remove(std::string_view channel, Subscriber subscriber) {
  Shard& shard = this->shard(channel);
  MutexLock lock(shard.mutex);
  auto found = shard.channels.find(channel);
  CHECK(found != shard.channels.end());
  found->second.remove(subscriber);
  if (!found->second.empty()) return;
  shard.channels.erase(found);
  size_.fetch_sub(1);
}

size_t ChannelRegistry::count(std::string_view channel) const {
  Shard const& shard = this->shard(channel);
  MutexLock lock(shard.mutex);
  auto found = shard.channels.find(channel);
  return found == shard.channels.end() ? 0 : found->second.size();
}

std::vector<std::string> ChannelRegistry::names(std::string_view pattern) const {
  std::vector<std::string> names;
  for (Shard const& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto const& [name, subscribers] : shard.channels) {
      if (glob_match(pattern, name)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace holdfast
