#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "command/client_card.h"
#include "command/output_source.h"
#include "config/special_values.h"
#include "log/backlog.h"
#include "snapshot/payload.h"

namespace holdfast::replication {

/// One replica of this server: what it was told, what it is sent, and how far it says it is.
///
///   kNew --PSYNC, shared history--------------------------------------------> kOnline: the stream from the backlog
///     \--PSYNC--> kWaitStart --cut--> [kWaitEnd] --> kSendBulk --> [kWaitAck] --^
///
/// To a replica that knows marks the data set is sent while it is written, and the stream follows the replica's first ACK; to
/// others, and with repl-diskless-sync no, it is sent when its length is known (kWaitEnd).
///
/// `fill` and what changes the state run on the worker of the connection; the figures may be read by any thread.
class ReplicaFeed final : public OutputSource {
 public:
  enum class State : uint8_t { kNew, kWaitStart, kWaitEnd, kSendBulk, kWaitAck, kOnline };

  /// What of the data set is wanted, where it is not all of it: never a key.
  struct Filter {
    bool functions = false;
  };
  /// What REPLCONF has said.
  struct Introduction {
    int port = 0;
    std::string ip;
    bool eof = false;
    bool psync2 = false;
    std::optional<Filter> filter = std::nullopt;
    bool proof = false;      ///< it answers marks of proofs
    bool data_only = false;  ///< rdb-only: the connection ends with the data set
  };

  /// `wake` asks the worker of the connection to call fill; `ended` is told when the connection is gone.
  ReplicaFeed(Clock const& clock, log::Backlog& backlog, std::shared_ptr<ClientCard> card,
              std::function<void(ClientCard&)> const& wake, std::function<void(ReplicaFeed const&)> ended);

  // ---- the connection's worker

  Introduction introduction;
  /// After a PSYNC that can go on from `offset`.
  void stream_from(uint64_t offset);
  /// After another one, or SYNC (`old`), which knows no line and gives no acknowledgement. `marked`: while it is written,
  /// between marks; else when its length is known.
  void send(std::shared_ptr<snapshot::Payload> payload, bool old, bool marked);
  Left fill(OutputBuffer& output) override;
  void ended() override { ended_(*this); }
  void acknowledge(uint64_t offset, std::optional<uint64_t> durable_offset);

  // ---- any thread

  State state() const { return state_.load(std::memory_order_acquire); }
  bool online() const { return state() == State::kOnline || state() == State::kWaitAck; }
  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_acquire); }
  /// What is safe on the replica's disk, if it says so; else 0.
  uint64_t durable() const { return durable_.load(std::memory_order_acquire); }
  /// Monotonic; of the last sign of life.
  int64_t heard_us() const { return heard_us_.load(std::memory_order_relaxed); }
  void heard() override { heard_us_.store(clock_.monotonic_us(), std::memory_order_relaxed); }
  /// It never acknowledges anything.
  bool silent() const { return silent_.load(std::memory_order_relaxed); }
  /// There is something new to send. Cheap to call often.
  void wake() {
    if (!woken_.exchange(true, std::memory_order_acq_rel)) wake_(*card_);
  }
  ClientCard& card() const { return *card_; }
  /// Where the replica says that it listens.
  std::string ip() const EXCLUDES(mutex_);
  int port() const { return port_.load(std::memory_order_relaxed); }
  bool is_at(config::ReplicaOf const& place) const { return port() == place.port && ip() == place.host; }
  /// Waits for the data set, or is sent it.
  std::shared_ptr<snapshot::Payload> payload() const EXCLUDES(mutex_);
  /// It answers marks of proofs.
  bool proves() const { return proves_.load(std::memory_order_relaxed); }
  /// Says no more; its connection is closed.
  void close() {
    closed_.store(true, std::memory_order_release);
    wake();
  }

 private:
  Left fill_wait_start(OutputBuffer& output);
  Left fill_wait_end(OutputBuffer& output);
  Left fill_bulk(OutputBuffer& output);
  Left fill_stream(OutputBuffer& output);
  void keep_alive(OutputBuffer& output);
  void enter(State state) { state_.store(state, std::memory_order_release); }
  void publish();

  Clock const& clock_;
  log::Backlog& backlog_;
  std::shared_ptr<ClientCard> card_;
  std::function<void(ClientCard&)> wake_;
  std::function<void(ReplicaFeed const&)> ended_;
  std::string const mark_;

  // Of the connection's worker.
  uint64_t position_ = 0;  ///< of the stream: what is sent
  uint64_t sent_ = 0;      ///< of the data set
  bool old_ = false;
  bool marked_ = false;
  int64_t kept_alive_us_ = 0;

  std::atomic<State> state_{State::kNew};
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<uint64_t> durable_{0};
  std::atomic<int64_t> heard_us_;
  std::atomic<int> port_{0};
  std::atomic<bool> silent_{false};
  std::atomic<bool> proves_{false};
  std::atomic<bool> woken_{false};
  std::atomic<bool> closed_{false};
  mutable Mutex mutex_;
  std::string ip_ GUARDED_BY(mutex_);
  std::shared_ptr<snapshot::Payload> payload_ GUARDED_BY(mutex_);
};

/// "wait_bgsave", "send_bulk" or "online".
std::string_view state_text(ReplicaFeed::State state);

}  // namespace holdfast::replication
