#include "admin/wait.h"

#include <atomic>
#include <limits>
#include <memory>
#include <optional>

#include "command/client_card.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/task.h"
#include "log/log.h"
#include "replication/replication.h"

namespace holdfast {
namespace {

constexpr int64_t kAskAgainMicroseconds = 100'000;

/// Tells a task that CLIENT UNBLOCK has ended its waiting. Any thread.
class WaitEnd final : public Unblockable {
 public:
  enum class State : uint8_t { kWaiting, kUnblocked, kUnblockedWithError, kRoleChanged, kOver };
  bool unblock(Reason reason) override {
    switch (reason) {
      case Reason::kTimeout: return leave(State::kUnblocked);
      case Reason::kError: return leave(State::kUnblockedWithError);
      case Reason::kRoleChanged: break;
    }
    return leave(State::kRoleChanged);
  }
  /// How the waiting has ended; from here on it cannot be ended by others.
  State finish() {
    leave(State::kOver);
    return state_.load(std::memory_order_relaxed);
  }
  bool ended() const { return state_.load(std::memory_order_relaxed) != State::kWaiting; }

 private:
  bool leave(State to) {
    State expected = State::kWaiting;
    return state_.compare_exchange_strong(expected, to, std::memory_order_relaxed);
  }
  std::atomic<State> state_{State::kWaiting};
};

/// Waits for copies of what this connection has written: on replicas, and for WAITAOF in our own file. Ends when there are
/// enough, or when the time is over; a timeout of 0 never ends.
class WaitTask final : public Task {
 public:
  struct Wanted {
    bool aof = false;        ///< WAITAOF: the reply tells about the own file too
    bool local = false;
    int64_t replicas = 0;
    int64_t timeout_ms = 0;
    uint64_t offset = 0;     ///< of the log, after the last write
  };
  WaitTask(Session& session, Wanted const& wanted) : wanted_(wanted), card_(session.shared_card()) {
    card_->set_unblockable(end_);
  }
  ~WaitTask() override { card_->set_unblockable(nullptr); }

  Progress step(TaskSlice& slice) override {
    Services& services = slice.session().services();
    bool const local = services.log.state() != log::LogState::kOff &&
                       services.log.durable_offset() >= wanted_.offset;
    replication::Replicas& replicas = services.replication->replicas();
    int64_t const there = wanted_.aof ? replicas.durable(wanted_.offset) : replicas.acknowledged(wanted_.offset);
    bool const enough = there >= wanted_.replicas && (local || !wanted_.local);
    bool const over = enough || slice.in_transaction() || end_->ended() || time_is_over(services.clock);
    if (!over) {
      if (there < wanted_.replicas) ask(services, replicas);
      return Progress::kWait;
    }
    WaitEnd::State const end = end_->finish();
    if (end == WaitEnd::State::kUnblockedWithError || end == WaitEnd::State::kRoleChanged) {
      bool const role = end == WaitEnd::State::kRoleChanged;
      slice.reply().error(role ? errors::kRoleChanged : errors::kUnblocked);
      if (role) slice.session().close_after_reply();
      return Progress::kDone;
    }
    if (wanted_.aof) {
      slice.reply().array(2);
      slice.reply().integer(local ? 1 : 0);
    }
    slice.reply().integer(there);
    return Progress::kDone;
  }

 private:
  /// They acknowledge once a second by themselves; who waits need not.
  void ask(Services& services, replication::Replicas& replicas) {
    int64_t const now_us = services.clock.monotonic_us();
    if (asked_us_ && now_us - *asked_us_ < kAskAgainMicroseconds) return;
    asked_us_ = now_us;
    replicas.ask_for_acknowledgements();
  }

  bool time_is_over(Clock const& clock) {
    if (wanted_.timeout_ms == 0) return false;
    int64_t const now_us = clock.monotonic_us();
    if (!begin_us_) begin_us_ = now_us;
    return (now_us - *begin_us_) / 1000 >= wanted_.timeout_ms;
  }

  Wanted wanted_;
  std::shared_ptr<ClientCard> card_;
  std::shared_ptr<WaitEnd> end_ = std::make_shared<WaitEnd>();
  std::optional<int64_t> begin_us_;
  std::optional<int64_t> asked_us_;
};

std::optional<int64_t> timeout_ms(Args args, size_t index, Reply& reply) {
  auto const ms = args.integer(index, reply, "timeout is not an integer or out of range");
  if (ms && *ms < 0) {
    reply.error("timeout is negative");
    return std::nullopt;
  }
  return ms;
}

/// An integer in [0, max], else `error`.
std::optional<int64_t> in_range(Args args, size_t index, int64_t max, Reply& reply, std::string_view not_integer,
                                std::string_view out_of_range) {
  auto const value = args.integer(index, reply, not_integer);
  if (value && (*value < 0 || *value > max)) {
    reply.error(out_of_range);
    return std::nullopt;
  }
  return value;
}

bool refused_on_replica(Session& session, std::string_view command, Reply& reply) {
  if (!session.services().replication->is_replica()) return false;
  reply.error(std::string(command) +
              " cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be "
              "writable (which is not the default) writes to replicas are just local and are not propagated.");
  return true;
}

std::unique_ptr<Task> cmd_wait(Session& session, Args args, Reply& reply) {
  auto const replicas = args.integer(1, reply);
  if (!replicas) return nullptr;
  auto const timeout = timeout_ms(args, 2, reply);
  if (!timeout || refused_on_replica(session, "WAIT", reply)) return nullptr;
  return std::make_unique<WaitTask>(
      session, WaitTask::Wanted{.replicas = *replicas, .timeout_ms = *timeout, .offset = session.needed_offset});
}

std::unique_ptr<Task> cmd_waitaof(Session& session, Args args, Reply& reply) {
  constexpr std::string_view kMustBePositive = "value is out of range, must be positive";
  auto const local = in_range(args, 1, 1, reply, {}, "value is out of range, must be between 0 and 1");
  if (!local) return nullptr;
  auto const replicas =
      in_range(args, 2, std::numeric_limits<int64_t>::max(), reply, kMustBePositive, kMustBePositive);
  if (!replicas) return nullptr;
  auto const timeout = timeout_ms(args, 3, reply);
  if (!timeout || refused_on_replica(session, "WAITAOF", reply)) return nullptr;
  if (*local && session.services().log.state() == log::LogState::kOff) {
    reply.error("WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
    return nullptr;
  }
  return std::make_unique<WaitTask>(session, WaitTask::Wanted{.aof = true,
                                                              .local = *local == 1,
                                                              .replicas = *replicas,
                                                              .timeout_ms = *timeout,
                                                              .offset = session.needed_offset});
}

constexpr CommandRow kWaitRows[] = {
    {.name = "wait", .arity = 3, .flags = "noscript", .keys = "", .categories = "connection",
     .tips = "request_policy:all_shards; response_policy:agg_min", .group = "generic", .since = "3.0.0",
     .complexity = "O(1)", .summary = "Waits until replicas have what this connection has written.",
     .syntax = "numreplicas:integer timeout:integer", .handler = &cmd_wait},
    {.name = "waitaof", .arity = 4, .flags = "noscript", .keys = "", .categories = "connection",
     .tips = "request_policy:all_shards; response_policy:agg_min", .group = "generic", .since = "7.2.0",
     .complexity = "O(1)", .summary = "Waits until what this connection has written is safe on disk, here and on replicas.",
     .syntax = "numlocal:integer numreplicas:integer timeout:integer", .handler = &cmd_waitaof},
};

}  // namespace

CommandRows wait_commands() { return kWaitRows; }

}  // namespace holdfast
