#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "command/client_card.h"
#include "command/tracking_state.h"
#include "config/config.h"
#include "keyspace/change_listener.h"
#include "keyspace/keyspace.h"
#include "pubsub/post_office.h"

namespace holdfast {

class Session;

/// Client-side caching: who is told which keys have changed. Any thread; a session is used on its own.
///
/// What a connection has read is remembered in the partition of the key (TrackedKeys). Here is what must be known of the
/// connections when a key changes, and for BCAST the prefixes. Changes for BCAST are collected by worker and sent at the end of
/// its turn, one message for each prefix.
class Tracking {
 public:
  Tracking(int workers, PostOffice& office, config::Config const& config, Keyspace& keyspace, ClientRegistry& clients);

  /// Begins, or changes what was begun. `state` is complete and checked.
  void enable(Session& session, TrackingState state) EXCLUDES(mutex_);
  void disable(Session& session) EXCLUDES(mutex_);

  /// See ChangeListener.
  void invalidated(std::span<Invalidation const> keys, uint64_t changer, int worker) EXCLUDES(mutex_);
  void invalidated_all() EXCLUDES(mutex_);
  /// Sends what was collected for BCAST on this worker. On its thread.
  void end_turn(int worker) {
    if (!pending_[static_cast<size_t>(worker)].empty()) [[unlikely]] send_pending(pending_[static_cast<size_t>(worker)]);
  }
  /// Remembers a few keys less, if there are more than tracking-table-max-keys. Called without any lock, by a worker.
  void limit_table(Session& session);

  size_t clients() const { return client_count_.load(std::memory_order_relaxed); }
  size_t prefixes() const { return prefix_count_.load(std::memory_order_relaxed); }

 private:
  struct Client {
    int worker;
    uint64_t redirect;
    bool broadcast;
    bool no_loop;
  };
  /// Where a message for a client goes.
  struct Target {
    uint64_t client;
    int worker;
    uint64_t redirect;
  };
  /// Changed keys, each with the connection that changed it last (0: none).
  using Pending = std::map<std::string, uint64_t, std::less<>>;

  void send(Target const& target, std::optional<std::span<std::string_view const>> keys) EXCLUDES(mutex_);
  void send_pending(Pending& pending) EXCLUDES(mutex_);
  void forget_prefixes(uint64_t id, std::vector<std::string> const& prefixes) REQUIRES(mutex_);

  PostOffice& office_;
  config::Config const& config_;
  Keyspace& keyspace_;
  ClientRegistry& registry_;
  std::vector<Pending> pending_;  // by worker, each used on its thread
  Mutex mutex_;
  std::unordered_map<uint64_t, Client> clients_ GUARDED_BY(mutex_);
  std::map<std::string, std::set<uint64_t>, std::less<>> prefixes_ GUARDED_BY(mutex_);
  std::atomic<size_t> client_count_{0};
  std::atomic<size_t> prefix_count_{0};
};

}  // namespace holdfast
