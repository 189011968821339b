#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "command/services.h"
#include "net/unique_fd.h"
#include "replication/proof_report.h"
#include "replication/replicas.h"
#include "snapshot/group_digest.h"

namespace holdfast::replication {

// Replica proof: do the replicas have what their primary has?
//
//   primary  cut, and in its global transaction a mark in the stream        digests ----------------------> compared
//   replica  applies the stream up to the mark, cut, goes on at once        digests --REPLCONF ACK ... PROOF--^
//
// Both cuts are of the same offset: everything before the mark and nothing behind it. Nobody waits for a walk, and the digests
// are made on the thread that else writes snapshots. A replica passes on what its own replicas say.

/// What is known of a replica.
struct ProofVerdict {
  enum class State : uint8_t { kSilent, kEqual, kDifferent, kBusy, kFailed, kUnsupported, kSynchronizing, kLost };
  std::string replica;  ///< ip:port
  std::string via;      ///< the replicas between us and it, from ours on; empty: it is ours
  State state = State::kSilent;
  std::vector<snapshot::GroupDifference> differences;
};
std::string_view state_text(ProofVerdict::State state);

struct ProofResult {
  int64_t unix_s = 0;
  int64_t duration_ms = 0;
  uint64_t offset = 0;
  uint64_t keys = 0;
  std::vector<ProofVerdict> replicas;

  size_t count(ProofVerdict::State state) const;
  /// Neither equal nor different.
  size_t unchecked() const;
};

/// One proof, on the side of the primary. Any thread.
class ProofRun {
 public:
  explicit ProofRun(std::string id) : id_(std::move(id)) {}

  std::string const& id() const { return id_; }

  /// The cut: the replicas that there are, and the offset.
  void begin(uint64_t offset, std::vector<std::shared_ptr<ReplicaFeed>> const& feeds) EXCLUDES(mutex_);
  /// Our own digests, or that there are none.
  void digested(Status const& status, snapshot::GroupDigests digests) EXCLUDES(mutex_);
  /// A replica of ours tells of itself, or of one of its own.
  void hear(ReplicaFeed const& feed, ProofReport const& report) EXCLUDES(mutex_);
  /// These are left of the replicas: who is not among them will say nothing.
  void keep(std::vector<std::shared_ptr<ReplicaFeed>> const& feeds) EXCLUDES(mutex_);
  /// Nobody waits for it any more.
  void give_up() { given_up_.store(true, std::memory_order_relaxed); }
  bool given_up() const { return given_up_.load(std::memory_order_relaxed); }

  enum class Progress : uint8_t {
    kQueued,    ///< behind another snapshot
    kWalking,   ///< our own digests are not there
    kWaiting,   ///< for replicas
    kComplete,  ///< everybody has said what he has to say
    kFailed,    ///< we have no digests
  };
  Progress progress() const EXCLUDES(mutex_);
  /// What is known by now. Precondition: our own digests are there.
  ProofResult result() const EXCLUDES(mutex_);

 private:
  struct Node {
    std::string key;  ///< the id of the connection of our replica, then the names on the way, with blanks between
    ProofVerdict verdict;
    bool awaited = true;
    snapshot::GroupDigests digests;
    bool has_digests = false;
  };

  Node& node(std::string const& key, std::string_view name, std::string_view via) REQUIRES(mutex_);
  Node& node_of(ReplicaFeed const& feed) REQUIRES(mutex_);

  std::string const id_;
  std::atomic<bool> given_up_{false};
  mutable Mutex mutex_;
  bool begun_ GUARDED_BY(mutex_) = false;
  bool digested_ GUARDED_BY(mutex_) = false;
  bool failed_ GUARDED_BY(mutex_) = false;
  uint64_t offset_ GUARDED_BY(mutex_) = 0;
  snapshot::GroupDigests own_ GUARDED_BY(mutex_);
  std::vector<Node> nodes_ GUARDED_BY(mutex_);
};

/// The proofs of a server, in both roles. Any thread, but for what says otherwise.
class Proofs {
 public:
  Proofs(Services& services, Replicas& replicas);

  // ---- as a primary

  /// Begins a proof; null: one is under way.
  std::shared_ptr<ProofRun> start() EXCLUDES(mutex_);
  /// Notes who is gone, and how far it is.
  ProofRun::Progress look(ProofRun& run);
  /// It is over. With `result` that is the last one from now on.
  void end(ProofRun& run, std::shared_ptr<ProofResult const> result) EXCLUDES(mutex_);
  std::shared_ptr<ProofResult const> last() const EXCLUDES(mutex_);
  bool running() const EXCLUDES(mutex_);

  /// A replica of ours has said this. As a replica ourselves we tell our primary.
  void hear(ReplicaFeed const& feed, ProofReport report, bool is_replica) EXCLUDES(mutex_);

  // ---- as a replica

  /// The stream has come to a mark; returns when what is there now will be told, or that it will not be. On the thread of the
  /// stream, which executes nothing meanwhile. `stopping` is asked while it waits.
  void marked(std::string_view id, std::function<bool()> const& stopping) EXCLUDES(mutex_);
  /// What the primary is to be told.
  std::vector<ProofReport> take_reports() EXCLUDES(mutex_);
  /// Readable when there is something.
  int news() const { return news_.get(); }

 private:
  void tell(ProofReport report) EXCLUDES(mutex_);
  std::string names_of_replicas(std::string_view id);

  Services& services_;
  Replicas& replicas_;
  UniqueFd news_;
  mutable Mutex mutex_;
  std::shared_ptr<ProofRun> run_ GUARDED_BY(mutex_);
  std::shared_ptr<ProofResult const> last_ GUARDED_BY(mutex_);
  std::vector<ProofReport> reports_ GUARDED_BY(mutex_);
};

}  // namespace holdfast::replication
