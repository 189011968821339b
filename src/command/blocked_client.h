#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "command/client_card.h"
#include "keyspace/wait_request.h"
#include "keyspace/wait_table.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"

namespace holdfast {

struct Command;
class Session;
class Waiter;

/// A command that waits for keys: from the moment at which it found nothing until its session has written the reply.
///
///     waiting --claim--> claimed --deliver--> served
///        |----- time_out -----> timed out
///        |----- unblock ------> unblocked, unblocked with an error
///        '----- close --------> closed
///
/// One compare-and-swap decides which way it goes. Who serves it runs the command on another thread; the reply is written to
/// a buffer of its own and handed over by `deliver`, which wakes the session. From then on only the session's worker uses it.
class BlockedClient final : public KeyWaiter, public Unblockable {
 public:
  /// `spent_ticks`: what the command has taken so far.
  BlockedClient(Session& session, Command const& command, std::unique_ptr<WaitRequest> request, uint64_t spent_ticks);

  enum class State : uint8_t { kWaiting, kClaimed, kServed, kTimedOut, kUnblocked, kUnblockedWithError, kRoleChanged, kClosed };

  /// Any thread. `over`: the session may finish it.
  State state() const { return state_.load(std::memory_order_acquire); }
  bool over() const { return state() > State::kClaimed; }

  // As the key space sees it.
  bool waiting() const override { return state() == State::kWaiting; }
  bool claim() override { return leave(State::kClaimed); }
  bool ready(std::string_view key, Record const* record) const override { return request_->ready(key, record); }
  void serve(Txn& txn, std::string_view key) override;
  void deliver(uint64_t offset) override;
  /// CLIENT UNBLOCK. Any thread.
  bool unblock(Reason reason) override;
  std::vector<Key> keys() const override;

  // The rest is for the session's worker.
  bool time_out() { return leave(State::kTimedOut); }
  bool close() { return leave(State::kClosed); }
  Command const& command() const { return command_; }
  WaitRequest const& request() const { return *request_; }
  uint64_t spent_ticks() const { return spent_ticks_; }

  /// Of one that is served.
  OutputBuffer& output() { return output_; }
  std::unique_ptr<ReplySource> take_rest() { return std::move(rest_); }
  uint64_t offset() const { return offset_; }
  bool failed() const { return failed_; }
  std::string_view error_code() const { return error_code_; }

 private:
  bool leave(State to) {
    State expected = State::kWaiting;
    return state_.compare_exchange_strong(expected, to, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  Command const& command_;
  std::unique_ptr<WaitRequest> request_;
  std::shared_ptr<Waiter> waiter_;
  int db_;
  int protocol_;
  bool muted_;
  std::atomic<State> state_{State::kWaiting};

  // Written by who has claimed it, read by the session once it is served.
  uint64_t spent_ticks_;
  OutputBuffer output_;
  std::unique_ptr<ReplySource> rest_;
  uint64_t offset_ = 0;
  bool failed_ = false;
  std::string error_code_;
};

/// In place of waiting.
inline void reply_nothing(WaitRequest const& request, Reply& reply) {
  request.nothing == WaitRequest::Nothing::kNull ? reply.null() : reply.null_array();
}

}  // namespace holdfast
