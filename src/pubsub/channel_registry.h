#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "pubsub/subscribers.h"

namespace holdfast {

/// Who listens to which channel, of one kind of channels. Any thread.
///
/// Cut into shards by the hash of the channel, each under a leaf mutex. A message is put into the inboxes of its receivers
/// under the mutex of its channel, so all of them see the messages of a channel in the same order.
class ChannelRegistry {
 public:
  ChannelRegistry();

  void add(std::string_view channel, Subscriber subscriber);
  void remove(std::string_view channel, Subscriber subscriber);
  /// How many listen to `channel`.
  size_t count(std::string_view channel) const;
  /// Channels that somebody listens to.
  size_t size() const { return size_.load(std::memory_order_seq_cst); }
  /// Those whose names match the pattern; the shards are looked at one after the other.
  std::vector<std::string> names(std::string_view pattern) const;

  /// Sends `message` (null: none) to who listens to `channel`, then calls `and_then()`, all under the channel's mutex.
  /// Returns how many listen to the channel.
  template <class Function>
  size_t send(std::string_view channel, SharedPush const& message, PostOffice::Round& round, Function&& and_then) {
    Shard& shard = this->shard(channel);
    MutexLock lock(shard.mutex);
    size_t sent = 0;
    if (message) {
      auto found = shard.channels.find(channel);
      if (found != shard.channels.end()) sent = found->second.send(message, round);
    }
    and_then();
    return sent;
  }

 private:
  static constexpr size_t kShards = 64;
  /// Keyed, so that nobody can choose names that collide.
  struct NameHash {
    using is_transparent = void;
    KeyHasher const* hasher;
    size_t operator()(std::string_view name) const { return (*hasher)(name); }
  };
  using Channels = std::unordered_map<std::string, Subscribers, NameHash, std::equal_to<>>;
  struct alignas(64) Shard {
    mutable Mutex mutex;
    Channels channels GUARDED_BY(mutex);
  };
  Shard& shard(std::string_view channel) { return shards_[hasher_(channel) >> 58]; }
  Shard const& shard(std::string_view channel) const { return shards_[hasher_(channel) >> 58]; }
  static_assert(kShards == 1 << (64 - 58));

  KeyHasher hasher_;
  std::array<Shard, kShards> shards_;
  std::atomic<size_t> size_{0};
};

}  // namespace holdfast
