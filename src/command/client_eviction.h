#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace holdfast {

struct ClientCard;

/// maxmemory-clients: what all connections together may take. Any thread.
class ClientMemoryLimit {
 public:
  /// 0: no limit.
  void set_bytes(uint64_t bytes) { bytes_.store(bytes, std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// A connection has grown: all are added up soon, and the biggest closed, by who runs `look` (set before the workers start).
  void ask_to_look() {
    if (!asked_.exchange(true, std::memory_order_relaxed)) look();
  }
  void begin_look() { asked_.store(false, std::memory_order_relaxed); }
  std::function<void()> look;
  /// A connection that has grown by less is not worth a look.
  uint64_t growth_noticed() const { return bytes() / 64; }

  void count_evicted() { evicted_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }
  void reset_statistics() { evicted_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> asked_{false};
  std::atomic<uint64_t> evicted_{0};
};

/// Which connections are to be closed so that all together take less than `limit` bytes: the biggest first, alike within a
/// power of two, as in Redis. Those that asked for CLIENT NO-EVICT count, but stay.
std::vector<std::shared_ptr<ClientCard>> clients_to_evict(std::vector<std::shared_ptr<ClientCard>> clients, uint64_t limit);

}  // namespace holdfast
