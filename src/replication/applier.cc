#include "replication/applier.h"

#include <chrono>
#include <limits>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/strings.h"
#include "command/client_card.h"
#include "command/task_runner.h"
#include "log/log.h"
#include "log/wake_signal.h"
#include "replication/proof_report.h"
#include "snapshot/persistence.h"

namespace holdfast::replication {
namespace {

constexpr int64_t kSliceMicroseconds = 1'000'000;
constexpr auto kPause = std::chrono::milliseconds(1);

}  // namespace

/// Sleeps until the locks may be free.
class Applier::CommandWaiter final : public Waiter {
 public:
  void wake() override { signal_.notify(); }
  void wait() { signal_.wait(std::nullopt); }

 private:
  log::WakeSignal signal_;
};

/// The primary: nothing is refused to it.
class Applier::LinkSession final : public Session {
 public:
  LinkSession(Services& services, WorkerContext& context, std::shared_ptr<ClientCard> card)
      : Session(services, std::move(card), context, Peer::kPrimary) {
    act_for_server();
    services.clients.add(shared_card());
  }
  ~LinkSession() override { services().clients.remove(card().id); }
  std::shared_ptr<Waiter> const& waiter() override { return waiter_; }
  StreamPiece* stream_piece() override { return executing ? &piece : nullptr; }
  CommandWaiter& sleeper() { return *sleeper_; }

  StreamPiece piece;
  bool executing = false;

 private:
  std::shared_ptr<CommandWaiter> sleeper_ = std::make_shared<CommandWaiter>();
  std::shared_ptr<Waiter> waiter_ = sleeper_;
};

Applier::Applier(Services& services, Gate& gate, WorkerStatistics& statistics, Signals signals)
    : services_(services), gate_(gate), signals_(std::move(signals)), context_(statistics), reply_(output_) {}

Applier::~Applier() = default;

void Applier::begin(int db, std::shared_ptr<ClientCard> card) {
  session_ = std::make_unique<LinkSession>(services_, context_, std::move(card));
  session_->select(db);
  parser_.reset();
  transaction_.clear();
}

void Applier::end() {
  session_.reset();
  transaction_.clear();
}

Result<size_t> Applier::apply(std::string_view input) {
  RequestLimits const limits{.bulk_bytes_max = std::numeric_limits<int64_t>::max()};
  context_.now_ms = services_.clock.unix_ms();
  ClientCard& card = session_->card();
  card.last_interaction_ms.store(context_.now_ms, std::memory_order_relaxed);
  card.input_bytes.store(input.size(), std::memory_order_relaxed);
  size_t done = 0;
  while (true) {
    size_t consumed = 0;
    std::string error;
    auto const status = parser_.parse(input.substr(done), limits, batch_, consumed, error);
    for (size_t i = 0; i < batch_.size(); i++) {
      CommandView const command = batch_[i];
      size_t const end = batch_.end_offset(i);
      // Text of people is no command of a primary.
      if (input[done + end - command.wire_bytes] != '*') return fail("an inline command");
      run(command, input.substr(done + end - command.wire_bytes, command.wire_bytes));
    }
    done += consumed;
    if (status == RequestParser::Status::kError) return fail(error);
    if (status == RequestParser::Status::kMore) return done;
  }
}

void Applier::run(CommandView const& command, std::string_view bytes) {
  Args const args(command.argv, command.argc);
  log::Log& log = services_.log;
  // The disk is slower than the primary.
  while (log.over_limit() || services_.persistence.congested()) std::this_thread::sleep_for(kPause);
  bool const in_transaction = session_->transaction.open;
  bool const executes = in_transaction && args.is(0, "EXEC");
  if (in_transaction) {
    transaction_.append(bytes);
  } else if (args.is(0, "MULTI")) {
    transaction_ = bytes;
  } else if (args.is(0, "REPLCONF")) {
    if (args.size() > 1 && args.is(1, "GETACK")) signals_.asked();
    log.append_verbatim(bytes, session_->db());
    return;
  } else if (std::string_view const id = proof_id(args); !id.empty()) [[unlikely]] {
    signals_.marked(id);
  }
  session_->piece = {.bytes = executes ? std::string_view(transaction_) : bytes, .db = session_->db()};
  session_->executing = executes || (!in_transaction && transaction_.empty());
  size_t const errors_before = reply_.errors();
  execute(args);
  if (session_->executing && !session_->piece.logged) log.append_verbatim(session_->piece.bytes, session_->db());
  if (executes) transaction_.clear();
  if (reply_.errors() != errors_before) [[unlikely]] note_error(args);
  output_.clear();
}

void Applier::execute(Args args) {
  Gate::Outcome outcome = gate_.execute(*session_, args, reply_);
  while (outcome != Gate::Outcome::kDone) {
    switch (outcome) {
      case Gate::Outcome::kParked:
        session_->sleeper().wait();
        outcome = gate_.resume(*session_, args, reply_);
        break;
      case Gate::Outcome::kHeld:
        std::this_thread::sleep_for(kPause);
        outcome = gate_.execute(*session_, args, reply_);
        break;
      case Gate::Outcome::kRunning: {
        Task::Progress const progress = session_->running->slice(reply_, kSliceMicroseconds);
        if (progress == Task::Progress::kDone) {
          session_->running.reset();
          outcome = Gate::Outcome::kDone;
        } else if (progress == Task::Progress::kWait) {
          std::this_thread::sleep_for(kPause);
        }
        break;
      }
      case Gate::Outcome::kBlocked: CHECK(!"the stream never waits for keys"); break;
      case Gate::Outcome::kDone: break;
    }
  }
}

void Applier::note_error(Args args) {
  std::string const text = output_.to_string();
  size_t const at = text.find('-');
  std::string const line = at == std::string::npos ? std::string() : text.substr(at, text.find('\r', at) - at);
  services_.logger.warning(
      "== CRITICAL == This replica is sending an error to its master: '%s' after processing the command '%.*s'", line.c_str(),
      static_cast<int>(args[0].size()), args[0].data());
}

}  // namespace holdfast::replication
