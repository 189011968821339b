#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "command/services.h"
#include "disk/disk.h"
#include "net/tls_stream.h"
#include "net/unique_fd.h"
#include "replication/applier.h"
#include "replication/handshake.h"
#include "replication/proof_report.h"
#include "snapshot/payload.h"

namespace holdfast::replication {

/// Where a link is. In this order.
enum class LinkState : uint8_t { kConnect, kConnecting, kHandshake, kTransfer, kConnected };

/// Figures of the link, for INFO and ROLE. Written by its thread, read by any.
struct LinkFigures {
  std::atomic<LinkState> state{LinkState::kConnect};
  std::atomic<int64_t> heard_us{0};       ///< monotonic; of the last byte of the primary
  std::atomic<int64_t> down_since_us{-1}; ///< monotonic; -1: it has never been up, or it is
  std::atomic<int64_t> total_bytes{-1};   ///< of the data set; -1: not known yet, 0: it comes with a mark
  std::atomic<uint64_t> read_bytes{0};    ///< of the data set
  std::atomic<uint64_t> read_offset{0};   ///< of the stream: what has come
  std::atomic<bool> refused{false};       ///< the primary is empty and we are not
};

/// One connection to a primary from the attempt to connect until it breaks: handshake, data set, stream. Runs on the thread of its
/// owner, which it blocks.
class PrimaryLink {
 public:
  /// What only the owner can do. All are called on its thread.
  struct Owner {
    /// The place from which we could go on.
    std::function<std::optional<Handshake::Terms::Place>()> resume_place;
    /// A data set of the history `at.id` is about to take the place of ours / has.
    std::function<void()> before_adoption;
    std::function<void(snapshot::StreamIdentity const& at)> after_adoption;
    /// The primary lets us go on; `id` is the new id of its history, or empty.
    std::function<Status(std::string const& id)> continued;
    /// The history of the data set is ours: it may be empty.
    std::function<bool(std::string const& id, uint64_t offset)> knows;
    /// The link state has changed.
    std::function<void()> changed;
    /// What there is to tell the primary in proofs.
    std::function<std::vector<ProofReport>()> take_reports;
    /// Failover: the primary has accepted or refused that we hand over.
    std::function<void(bool accepted)> handed_over;
  };

  /// Descriptors of the owner that become readable.
  struct Calls {
    int interrupt;  ///< the link shall end
    int news;       ///< there are reports to be taken
  };
  PrimaryLink(Services& services, Applier& applier, LinkFigures& figures, Owner const& owner, Calls calls)
      : services_(services), applier_(applier), figures_(figures), owner_(owner), calls_(calls) {}

  /// Follows until the connection ends or is interrupted. The reason is in the log.
  void follow(std::string const& host, int port, bool failover);
  /// REPLCONF GETACK, while `follow` runs.
  void acknowledge();

 private:
  enum class Input : uint8_t { kReady, kTimeout, kInterrupted, kNews };

  Status connect(std::string const& host, int port);
  /// tls-replication yes: nothing is said before the primary has shown a certificate that we trust.
  Status secure();
  Result<Handshake::Step> shake_hands(bool failover);
  Status receive_dataset(std::string const& path);
  Status take_dataset(Handshake::Step const& verdict);
  Status adopt(snapshot::StreamIdentity const& at, std::string const& path);
  /// How many keys the file has; fails when it is not sound.
  Result<uint64_t> examine(std::string const& path);
  Status stream();
  std::shared_ptr<ClientCard> make_card() const;
  void enter(LinkState state);
  /// What there is to say in proofs.
  void send_reports();

  /// Waits until the socket is ready for `events` (none: to be read), or `until_us`; with `with_news` also for those.
  Result<Input> wait(int64_t until_us, short events = 0, bool with_news = false);
  /// Appends to input_; fails at the end of the connection and after repl-timeout without a byte.
  Status receive();
  Status send(std::string_view bytes);
  /// As recv and send, through TLS where there is TLS.
  ssize_t receive_some(char* to, size_t size);
  ssize_t send_some(std::string_view bytes);
  /// What a failure of these two was.
  std::string trouble(int errnum) const;
  Result<std::string> read_line();
  int64_t now_us() const { return services_.clock.monotonic_us(); }
  int64_t timeout_us() const;

  Services& services_;
  Applier& applier_;
  LinkFigures& figures_;
  Owner const& owner_;
  Calls calls_;
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;  ///< null: plain bytes
  std::string input_;
  size_t used_ = 0;  ///< bytes of input_ that are done with
  int64_t heard_us_ = 0;
  int64_t acknowledged_us_ = 0;
};

}  // namespace holdfast::replication
