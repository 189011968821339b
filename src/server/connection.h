#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "command/gate.h"
#include "command/session.h"
#include "net/event_loop.h"
#include "net/tls_stream.h"
#include "net/unique_fd.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"
#include "resp/request_parser.h"
#include "server/input_buffer.h"

namespace holdfast {

class Worker;

/// One client connection: reads, parses, hands commands to the gate, sends replies. Belongs to its worker.
///
/// At any time it is in one of these states:
///   reading   waits for input (EPOLLIN)
///   again     has complete commands left, but has had its share of this turn
///   parked    waits for partition locks (Session::parked)
///   held      waits for CLIENT PAUSE or a congested log; looked at again every millisecond
///   running   a long command is done in slices (Session::running)
///   blocked   waits for keys (Session::blocked)
///   handshake TLS only, the first state: there is no stream of requests yet
/// Only in the first one is the socket read, so nobody's input grows while it waits.
class Connection final : public Session, public EventLoop::Handler {
 public:
  /// A connection gets at most this many commands, or this much time, in one turn of the loop.
  static constexpr int kCommandsPerTurnMax = 128;
  static constexpr int64_t kTurnMicrosecondsMax = 200;
  /// Bytes read at once.
  static constexpr size_t kReadBytes = 16 * 1024;
  /// Bytes of replies that may wait for a client that has not authenticated.
  static constexpr size_t kUnauthenticatedOutputMax = 1024;
  /// Bytes sent to one client in one turn.
  static constexpr size_t kSendBytesMax = 256 * 1024;
  /// With more than this many bytes of replies not sent, a connection is not read.
  static constexpr size_t kOutputPauseBytes = 1024 * 1024;
  /// A slice of a long command.
  static constexpr int64_t kSliceMicroseconds = 200;
  static constexpr uint32_t kInputEvents = EPOLLIN | EPOLLRDHUP;

  /// `tls` is null for a connection of plain bytes.
  Connection(Worker& worker, Services& services, UniqueFd fd, std::shared_ptr<ClientCard> card,
             std::shared_ptr<TlsContext const> tls = nullptr);
  ~Connection() override;

  void on_ready(uint32_t events) override;
  std::shared_ptr<Waiter> const& waiter() override;

  /// TLS has input that epoll does not know of.
  void read_more();
  /// Goes on after a wait: locks may be free, the hold may be over, or the turn's share is new.
  void proceed();
  /// The waiter was woken: locks may be free, or the waiting for keys is over.
  void wake();
  /// A slice of the running command.
  void run_slice();
  /// Sends what may be sent. Called once at the end of a turn.
  void flush();
  /// Closes at the next safe point, without sending more.
  void doom();
  /// Takes what has become of the user; closes when that is to be.
  void users_changed();
  /// A message that the client has not asked for. While the reply to a command is being written, it waits for its end.
  void receive(SharedPush const& message);
  void deliver_pushes() override;
  void serve_others(BusyScript const& script) override;
  /// Closes the connection if it has more output than its class may have.
  void check_output_limit();
  /// The same, for the cron of the worker.
  void recheck_output();
  /// The same, because it does have more.
  void close_for_output();

  enum class Wait : uint8_t { kReading, kAgain, kParked, kHeld, kRunning, kRunningWait, kBlocked, kHandshake };
  Wait wait() const { return wait_; }
  uint64_t id() { return card().id; }
  int fd() const { return fd_.get(); }
  bool doomed() const { return doomed_; }
  /// The client must first take its replies.
  bool output_full() const { return output_.size() > kOutputPauseBytes; }
  /// Bytes for the client that the socket has not taken yet.
  size_t unsent() const { return output_.size() + (tls_ ? tls_->unsent() : 0); }
  /// In the worker's list of those to flush.
  bool flush_scheduled = false;
  /// In its list of those to whom something was published.
  bool push_scheduled = false;
  /// In the worker's list of those to read without waiting for the socket.
  bool read_scheduled = false;

 private:
  /// Goes on with the handshake; `broken`: for the last time, to learn what happened.
  void shake_hands(bool broken);
  void read();
  /// As recv and send_output, through TLS where there is TLS.
  ssize_t receive_bytes(char* to, size_t size);
  Result<size_t> send_some();
  /// Parses and executes `input`. Returns how many of its bytes are done with.
  size_t process(std::string_view input);
  void prefetch(CommandBatch const& batch);
  Gate::Outcome execute(CommandView const& command, bool resume);
  /// True: go on with the next command.
  bool after(Gate::Outcome outcome);
  void finish_command();
  /// Waits for keys from now on / has waited.
  void begin_wait_for_keys();
  void end_wait_for_keys();
  void protocol_error(std::string const& text);
  void set_wait(Wait wait);
  /// What it is to be told of its socket now.
  uint32_t wanted_events() const;
  void update_events();
  void set_events(uint32_t wanted);
  void update_card();
  bool limits_exceeded();
  /// Has all connections measured when this one has grown much (maxmemory-clients).
  void note_memory();
  void release_deferred();
  /// Adds what the source has. False: the connection is closed.
  bool fill_from_source();

  Worker& worker_;
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;
  InputBuffer input_;
  RequestParser parser_;
  OutputBuffer output_;
  Reply reply_;
  std::shared_ptr<Waiter> waiter_;
  std::vector<SharedPush> deferred_;  ///< messages that came while a reply was being written
  size_t deferred_bytes_ = 0;
  uint64_t noted_bytes_ = 0;  ///< of memory, when that was noted last
  int64_t output_over_soft_since_ms_ = 0;
  int64_t held_since_us_ = 0;  ///< beginning of the turn in which it was held back; 0: it is not
  std::optional<EventLoop::TimerId> wait_timer_;
  uint32_t events_ = 0;  ///< that the loop knows
  Wait wait_ = Wait::kReading;
  bool end_of_input_ = false;
  bool output_blocked_ = false;
  bool source_has_more_ = false;
  bool output_watched_ = false;
  bool doomed_ = false;
};

}  // namespace holdfast
