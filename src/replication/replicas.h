#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "command/services.h"
#include "replication/replica_feed.h"

namespace holdfast::replication {

/// The replicas of this server. Any thread; the mutex is a leaf.
class Replicas {
 public:
  explicit Replicas(Services& services) : services_(services) {}

  /// Told, under no lock, when one has come or gone.
  std::function<void()> changed = [] {};
  /// Asks the worker of a connection to fill and send. Set by the server.
  std::function<void(ClientCard&)> wake_connection;

  std::shared_ptr<ReplicaFeed> make_feed(std::shared_ptr<ClientCard> card);
  /// Counts among the replicas until its connection is gone.
  void add(std::shared_ptr<ReplicaFeed> const& feed) EXCLUDES(mutex_);
  void remove(ReplicaFeed const& feed) EXCLUDES(mutex_);
  /// The data set that a replica is to be sent: one that is on its way already, or a new one.
  std::shared_ptr<snapshot::Payload> payload() EXCLUDES(mutex_);

  /// INFO sync_full, sync_partial_ok, sync_partial_err.
  std::atomic<uint64_t> full{0};
  std::atomic<uint64_t> partial_ok{0};
  std::atomic<uint64_t> partial_error{0};

  /// A data set without keys, with or without the functions.
  std::shared_ptr<snapshot::Payload> filtered_payload(bool functions, std::optional<snapshot::StreamIdentity> const& at);

  size_t count() const { return count_.load(std::memory_order_relaxed); }
  std::vector<std::shared_ptr<ReplicaFeed>> list() const EXCLUDES(mutex_);
  /// The log has advanced. One relaxed load when there are none.
  void log_advanced() {
    if (count() > 0) wake_all();
  }
  void wake_all() EXCLUDES(mutex_);
  /// They come again and ask how to go on.
  void disconnect_all() EXCLUDES(mutex_);

  /// How many have acknowledged the stream up to there / have it on their disks.
  int64_t acknowledged(uint64_t offset) const EXCLUDES(mutex_);
  int64_t durable(uint64_t offset) const EXCLUDES(mutex_);
  /// Online, and heard of within `lag_s` seconds.
  int64_t good(int64_t lag_s) const EXCLUDES(mutex_);
  /// Somebody waits for acknowledgements: the replicas are asked for them, in the stream.
  void ask_for_acknowledgements();

  /// Once a second: signs of life to those that wait, an end to those that give none.
  void tend() EXCLUDES(mutex_);

 private:
  template <class Fits>
  int64_t count_if(Fits&& fits) const EXCLUDES(mutex_);

  Services& services_;
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<ReplicaFeed>> feeds_ GUARDED_BY(mutex_);
  std::weak_ptr<snapshot::Payload> payload_ GUARDED_BY(mutex_);
  std::atomic<size_t> count_{0};
};

}  // namespace holdfast::replication
