#include "server/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/strings.h"
#include "base/ticks.h"
#include "command/blocked_client.h"
#include "command/observers.h"
#include "command/output_source.h"
#include "command/server_state.h"
#include "command/task_runner.h"
#include "command/worker_context.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "net/send_output.h"
#include "server/acceptor.h"
#include "server/worker.h"

namespace holdfast {
namespace {

using config::Directive;

TlsStream::Side side_of(config::TlsAuthClients clients) {
  switch (clients) {
    case config::TlsAuthClients::kNo: return TlsStream::Side::kAcceptingAnybody;
    case config::TlsAuthClients::kOptional: return TlsStream::Side::kAcceptingWithOptional;
    case config::TlsAuthClients::kYes: break;
  }
  return TlsStream::Side::kAccepting;
}

/// HTTP requests of a browser that was tricked into talking to us.
bool looks_like_http(std::string_view name) { return iequals(name, "POST") || iequals(name, "Host:"); }

}  // namespace

Connection::Connection(Worker& worker, Services& services, UniqueFd fd, std::shared_ptr<ClientCard> card,
                       std::shared_ptr<TlsContext const> tls)
    : Session(services, std::move(card), worker.present_context()), worker_(worker), fd_(std::move(fd)), reply_(output_, 2) {
  begin_as_default();
  set_protocol(static_cast<int>(services.config.integer(Directive::kClientDefaultResp)));
  reply_.set_protocol(protocol());
  if (tls) {
    auto const clients = services.config.choice<config::TlsAuthClients>(Directive::kTlsAuthClients);
    tls_ = std::make_unique<TlsStream>(std::move(tls), fd_.get(), side_of(clients));
    wait_ = Wait::kHandshake;
  }
  events_ = kInputEvents;
  if (!worker_.loop().add(fd_.get(), events_, this)) doom();
}

Connection::~Connection() {
  if (source) source->ended();
  if (tls_) tls_->say_goodbye();
  worker_.loop().remove(fd_.get());
}

std::shared_ptr<Waiter> const& Connection::waiter() {
  if (!waiter_) waiter_ = worker_.make_waiter(id());
  return waiter_;
}

void Connection::on_ready(uint32_t events) {
  if (doomed_ || worker_.suspended(*this)) return;
  bool const broken = events & (EPOLLERR | EPOLLHUP);
  if (wait_ == Wait::kHandshake) [[unlikely]] return shake_hands(broken);
  if (broken) return doom();
  worker_.refresh_time();
  if (events & EPOLLOUT) worker_.schedule_flush(*this);
  if (!(events & kInputEvents)) return;
  uint32_t const wanted = wanted_events();
  if (wanted & EPOLLIN) return read();
  if (events & wanted & EPOLLRDHUP) return doom();  // gone while WAIT, SAVE or BLPOP waited
  set_events(wanted);                               // or it would be told in every turn
}

void Connection::shake_hands(bool broken) {
  // Others shall not wait for many handshakes in a row: the loop tells us again in the next turn.
  if (!worker_.may_shake_hands()) return;
  worker_.refresh_time();
  TlsStream::Handshake const state = tls_->shake_hands();
  worker_.shook_hands();
  if (state == TlsStream::Handshake::kFailed) {
    services().logger.warning("Error accepting a client connection: %s", tls_->error().c_str());
    return doom();
  }
  if (broken) return doom();
  output_blocked_ = tls_->unsent() > 0;
  if (state == TlsStream::Handshake::kDone) {
    set_wait(Wait::kReading);
    card().last_interaction_ms.store(worker().now_ms, std::memory_order_relaxed);
    if (auto const refusal = Acceptor::protected_mode_refusal(services(), card()); !refusal.empty()) {
      worker().statistics.connections_rejected.add(1);
      output_.append(refusal);
      close_after_reply();
      worker_.schedule_flush(*this);
    }
  }
  update_events();
}

ssize_t Connection::receive_bytes(char* to, size_t size) {
  if (!tls_) [[likely]] return recv(fd_.get(), to, size, 0);
  ssize_t const got = tls_->read(to, size);
  card().tls_bytes.store(tls_->memory_bytes(), std::memory_order_relaxed);
  if (tls_->unsent() > 0) worker_.schedule_flush(*this);  // TLS has answered something by itself
  return got;
}

Result<size_t> Connection::send_some() {
  if (!tls_) [[likely]] return send_output(fd_.get(), output_, kSendBytesMax);
  return tls_->send(output_, kSendBytesMax);
}

void Connection::read_more() {
  read_scheduled = false;
  if (doomed_ || worker_.suspended(*this) || !(wanted_events() & EPOLLIN)) return;
  worker_.refresh_time();
  read();
}

void Connection::read() {
  card().last_interaction_ms.store(worker().now_ms, std::memory_order_relaxed);
  worker().statistics.reads.add(1);
  received_us = worker_.loop().turn_began_us();
  ssize_t got;
  std::string_view input;
  bool in_scratch = input_.empty();
  if (in_scratch) {
    std::span<char> scratch = worker_.read_scratch();
    got = receive_bytes(scratch.data(), scratch.size());
    if (got > 0) input = {scratch.data(), static_cast<size_t>(got)};
  } else {
    size_t room = std::max(kReadBytes, parser_.bytes_wanted());
    got = receive_bytes(input_.prepare(room), room);
    if (got > 0) {
      input_.commit(static_cast<size_t>(got));
      input = input_.view();
    }
  }
  if (got < 0) {
    int const errnum = errno;
    if (errnum == EAGAIN || errnum == EINTR) return;
    services().logger.verbose("Reading from client: %s", tls_ ? tls_->error().c_str() : std::strerror(errnum));
    return doom();
  }
  if (got == 0) {
    // The client has nothing more to say; it still gets the replies to what it said.
    end_of_input_ = true;
    close_after_reply();
    if (unsent() == 0) return doom();
    worker_.schedule_flush(*this);
    return update_events();
  }
  worker().statistics.net_input_bytes.add(static_cast<uint64_t>(got));
  if (source) [[unlikely]] source->heard();
  if (input_.size() > services().config.memory(Directive::kClientQueryBufferLimit)) {
    services().logger.warning("Closing client that reached max query buffer length: id=%lu addr=%s",
                              static_cast<unsigned long>(id()), card().address.c_str());
    return doom();
  }
  // What was published before the client sent this comes before the replies to it.
  worker_.deliver_pushes();
  if (doomed_) return;
  size_t done = process(input);
  if (doomed_) return;
  if (in_scratch) {
    input_.append(input.substr(done));
  } else {
    input_.consume(done);
  }
  update_card();
  update_events();
}

void Connection::proceed() {
  if (doomed_) return;
  worker_.refresh_time();
  bool const held = wait_ == Wait::kHeld;
  size_t done = process(input_.view());
  if (held && wait_ != Wait::kHeld) {
    int64_t const waited_us = worker_.loop().turn_began_us() - std::exchange(held_since_us_, 0);
    worker().statistics.held_waits.record(static_cast<uint64_t>(std::max<int64_t>(waited_us, 0)) * 1000);
  }
  if (doomed_) return;
  input_.consume(done);
  update_card();
  update_events();
}

void Connection::prefetch(CommandBatch const& batch) {
  // First the buckets of all, then the records, then the parts of big collections: the processor fetches them while the
  // others are prepared.
  auto& hints = worker_.hints();
  Keyspace& keyspace = services().keyspace;
  for (size_t i = 0; i < batch.size(); i++) {
    CommandView view = batch[i];
    CommandHint& hint = hints[i];
    // A pipeline is often of one command, or on one key.
    CommandHint const* const before = i > 0 ? &hints[i - 1] : nullptr;
    bool const same_command = before && before->name == view[0];
    hint = {.name = view[0], .command = same_command ? before->command : services().commands.find(view[0])};
    if (!hint.command || hint.command->foreseen_key == 0 || !hint.command->subcommands.empty()) continue;
    auto const first = static_cast<size_t>(hint.command->foreseen_key);
    if (first >= view.argc) continue;
    hint.key = view[first];
    hint.same_key = before && before->key.data() && before->key == hint.key;
    hint.hash = hint.same_key ? before->hash : keyspace.hash(hint.key);
    if (!hint.same_key) keyspace.prefetch_bucket(db(), hint.hash);
  }
  bool elements = false;
  for (size_t i = 0; i < batch.size(); i++) {
    CommandHint const& hint = hints[i];
    if (!hint.key.data()) continue;
    if (!hint.same_key) keyspace.prefetch_record(db(), hint.hash);
    elements |= hint.command->element != 0;
  }
  if (!elements) return;
  // Neighbours that work on the same key are asked for together.
  std::array<std::string_view, kBatchCommandsMax> names;
  for (size_t i = 0; i < batch.size();) {
    CommandHint const& first = hints[i];
    size_t count = 0;
    do {
      auto const element = static_cast<size_t>(hints[i].key.data() ? hints[i].command->element : 0);
      if (element != 0 && element < batch[i].argc) names[count++] = batch[i][element];
      i++;
    } while (i < batch.size() && hints[i].same_key);
    if (count > 0) keyspace.prefetch_elements(db(), first.hash, first.key, std::span(names).first(count));
  }
}

size_t Connection::process(std::string_view input) {
  CommandBatch& batch = worker_.batch();
  uint64_t start = worker().command_ticks = ticks();
  uint64_t deadline = start + services().tick_scale.ticks_of_microseconds(kTurnMicrosecondsMax);
  RequestLimits limits{static_cast<int64_t>(services().config.memory(Directive::kProtoMaxBulkLen)), authenticated()};
  size_t done = 0;
  int commands = 0;
  bool resume = wait_ == Wait::kParked;
  if (wait_ == Wait::kParked || wait_ == Wait::kHeld || wait_ == Wait::kAgain) parser_.reset();
  set_wait(Wait::kReading);
  Worker::Executing executing(worker_, *this, 0);
  while (true) {
    size_t consumed = 0;
    std::string error;
    RequestParser::Status status = parser_.parse(input.substr(done), limits, batch, consumed, error);
    bool hinted = batch.size() > 1;
    if (hinted) prefetch(batch);
    for (size_t i = 0; i < batch.size(); i++) {
      executing.next(static_cast<uint32_t>(i));
      worker().hint = hinted ? &worker_.hints()[i] : nullptr;
      Gate::Outcome outcome = execute(batch[i], resume);
      worker().hint = nullptr;
      resume = false;
      bool executed = outcome != Gate::Outcome::kParked && outcome != Gate::Outcome::kHeld;
      bool go_on = after(outcome);
      size_t handled = executed ? batch.end_offset(i) : (i == 0 ? 0 : batch.end_offset(i - 1));
      if (!go_on || closing()) {
        parser_.reset();
        return closing() ? input.size() : done + handled;
      }
      commands++;
      bool last = i + 1 == batch.size();
      bool spent = commands >= kCommandsPerTurnMax || worker().command_ticks >= deadline;
      bool full = output_.size() > kOutputPauseBytes;
      if ((spent || full) && !(last && status == RequestParser::Status::kMore)) {
        // Others are served first, or the client must first take its replies.
        parser_.reset();
        set_wait(Wait::kAgain);
        return done + handled;
      }
      limits.authenticated = authenticated();
    }
    done += consumed;
    if (status == RequestParser::Status::kError) {
      protocol_error(error);
      return input.size();
    }
    if (status == RequestParser::Status::kMore) return done;
  }
}

Gate::Outcome Connection::execute(CommandView const& command, bool resume) {
  if (looks_like_http(command[0])) [[unlikely]] {
    worker_.warn_cross_protocol();
    doom();
    close_after_reply();
    return Gate::Outcome::kDone;
  }
  if (source && !iequals(command[0], "REPLCONF")) [[unlikely]] {
    services().logger.warning("Replica %s sent a command that would be answered, and is disconnected", card().address.c_str());
    doom();
    close_after_reply();
    return Gate::Outcome::kDone;
  }
  Args args(command.argv, command.argc);
  reply_.set_muted(reply_mode == ReplyMode::kOff || reply_mode == ReplyMode::kSkip);
  Gate& gate = worker_.gate();
  return resume ? gate.resume(*this, args, reply_) : gate.execute(*this, args, reply_);
}

bool Connection::after(Gate::Outcome outcome) {
  switch (outcome) {
    case Gate::Outcome::kDone: finish_command(); return true;
    case Gate::Outcome::kParked: set_wait(Wait::kParked); return false;
    case Gate::Outcome::kHeld:
      if (held_since_us_ == 0) held_since_us_ = worker_.loop().turn_began_us();
      set_wait(Wait::kHeld);
      return false;
    case Gate::Outcome::kRunning: set_wait(Wait::kRunning); return false;
    case Gate::Outcome::kBlocked: begin_wait_for_keys(); return false;
  }
  return true;
}

void Connection::finish_command() {
  if (reply_mode == ReplyMode::kSkip) {
    reply_mode = ReplyMode::kOn;
  } else if (reply_mode == ReplyMode::kSkipNext) {
    reply_mode = ReplyMode::kSkip;
  }
  worker_.schedule_flush(*this);
  if (observed) [[unlikely]] {
    // Messages that this command has caused follow its reply.
    if (!deferred_.empty()) release_deferred();
    services().observers->after_command(*this);
    worker_.deliver_pushes();
  }
}

void Connection::receive(SharedPush const& message) {
  if (doomed_ || closing()) return;
  // No message after the reply to who took the right to hear it.
  if (!unrestricted()) [[unlikely]] {
    users_changed();
    if (doomed_) return;
  }
  if (running || executing_transaction) {
    deferred_.push_back(message);
    deferred_bytes_ += message->bytes();
    return check_output_limit();
  }
  message->write(*this, output_);
  worker_.schedule_push(*this);
}

void Connection::release_deferred() {
  for (SharedPush const& message : std::exchange(deferred_, {})) message->write(*this, output_);
  deferred_bytes_ = 0;
}

void Connection::deliver_pushes() { worker_.deliver_pushes(); }

void Connection::serve_others(BusyScript const& script) { worker_.serve_others(*this, script); }

void Connection::begin_wait_for_keys() {
  /// Longer waits have no timer: about 30 years.
  constexpr int64_t kTimedMillisecondsMax = 1'000'000'000'000;
  set_wait(Wait::kBlocked);
  worker_.schedule_flush(*this);  // replies to what was sent before
  int64_t const timeout_ms = blocked->request().timeout_ms;
  if (timeout_ms == 0 || timeout_ms > kTimedMillisecondsMax) return;
  // The timer belongs to this connection, which cancels it.
  wait_timer_ = worker_.loop().after_us(timeout_ms * 1000, [this] {
    wait_timer_.reset();
    if (blocked->time_out()) end_wait_for_keys();
  });
}

void Connection::end_wait_for_keys() {
  if (wait_timer_) worker_.loop().cancel(*wait_timer_);
  wait_timer_.reset();
  worker_.refresh_time();
  // As if it had sent the command now: it is not idle.
  card().last_interaction_ms.store(worker().now_ms, std::memory_order_relaxed);
  received_us = worker_.loop().turn_began_us();
  if (worker_.gate().finish_blocked(*this, reply_) == Gate::Outcome::kRunning) return set_wait(Wait::kRunning);
  set_wait(Wait::kReading);
  finish_command();
  proceed();
}

void Connection::wake() {
  if (doomed_) return;
  if (wait_ == Wait::kParked) return proceed();
  if (wait_ == Wait::kBlocked && blocked->over()) end_wait_for_keys();
}

void Connection::run_slice() {
  if (doomed_ || !running) return;
  worker_.refresh_time();
  Worker::Executing executing(worker_, *this, Worker::Executing::kNoCommand);
  Task::Progress progress = running->slice(reply_, kSliceMicroseconds);
  if (progress != Task::Progress::kDone) {
    set_wait(progress == Task::Progress::kAgain ? Wait::kRunning : Wait::kRunningWait);
    update_events();  // whether it hangs up while it waits
    if (running->streams()) worker_.schedule_flush(*this);
    return;
  }
  running.reset();
  set_wait(Wait::kReading);
  finish_command();
  if (closing()) return update_events();
  proceed();
}

void Connection::protocol_error(std::string const& text) {
  services().logger.verbose("Protocol error (%.*s) from client: id=%lu addr=%s.",
                            static_cast<int>(parser_.error_reason().size()), parser_.error_reason().data(),
                            static_cast<unsigned long>(id()), card().address.c_str());
  reply_.set_muted(false);
  reply_.error(text);
  worker().statistics.count_error(reply_.last_error_code());
  close_after_reply();
  worker_.schedule_flush(*this);
}

void Connection::set_wait(Wait wait) {
  if (wait == wait_) return;
  wait_ = wait;
  card().blocked.store(wait == Wait::kParked || wait == Wait::kHeld || wait == Wait::kRunning || wait == Wait::kRunningWait ||
                           wait == Wait::kBlocked,
                       std::memory_order_relaxed);
  worker_.wait_changed(*this);
}

void Connection::users_changed() {
  if (doomed_ || closing() || follow_user()) return;
  close_after_reply();  // nothing more is executed
  doom();
}

void Connection::flush() {
  flush_scheduled = false;
  if (doomed_ || worker_.suspended(*this)) return;  // the end of the script flushes it
  // While a long command writes its reply piece by piece, only what came before it could be sent; it waits with it.
  if (running && !running->streams()) return;
  if (needed_offset > 0 && !worker_.log_allows(*this)) return;
  if (source && !fill_from_source()) [[unlikely]] return;
  if (!output_.empty() || tls_) {
    Result<size_t> sent = send_some();
    worker().statistics.writes.add(1);
    if (!sent) {
      services().logger.verbose("Error writing to client: %s", sent.error().message.c_str());
      return doom();
    }
    worker().statistics.net_output_bytes.add(*sent);
  }
  output_blocked_ = unsent() > 0;
  if (!output_blocked_ && closing() && !running) return doom();
  if (source_has_more_ && !output_blocked_) [[unlikely]] worker_.schedule_flush(*this);
  if (output_blocked_ && !source && limits_exceeded()) return close_for_output();
  card().output_bytes.store(unsent(), std::memory_order_relaxed);
  card().output_blocks.store(output_.blocks(), std::memory_order_relaxed);
  if (services().state.client_limit.bytes() != 0) [[unlikely]] note_memory();
  update_events();
}

bool Connection::fill_from_source() {
  source_has_more_ = false;
  if (output_.size() >= kSendBytesMax) return true;
  switch (source->fill(output_)) {
    case OutputSource::Left::kNothing: break;
    case OutputSource::Left::kMore: source_has_more_ = true; break;
    case OutputSource::Left::kClose:
      close_after_reply();
      if (!output_.empty()) static_cast<void>(send_some());
      doom();
      return false;
  }
  return true;
}

void Connection::note_memory() {
  ClientMemoryLimit& limit = services().state.client_limit;
  uint64_t const bytes = client_memory(card());
  if (bytes >= noted_bytes_ + limit.growth_noticed()) {
    limit.ask_to_look();
  } else if (bytes >= noted_bytes_) {
    return;
  }
  noted_bytes_ = bytes;
}

void Connection::check_output_limit() {
  if (!doomed_ && limits_exceeded()) close_for_output();
}

bool Connection::limits_exceeded() {
  config::ClientOutputLimit limit =
      services().config.output_limit(subscribed() ? config::ClientClass::kPubsub : config::ClientClass::kNormal);
  size_t bytes = unsent() + deferred_bytes_;
  if (!authenticated() && bytes > kUnauthenticatedOutputMax) return true;
  bool over_hard = limit.hard_bytes != 0 && bytes >= limit.hard_bytes;
  bool over_soft = limit.soft_bytes != 0 && bytes >= limit.soft_bytes;
  int64_t now_ms = worker().now_ms;
  if (!over_soft) {
    output_over_soft_since_ms_ = 0;
  } else {
    if (output_over_soft_since_ms_ == 0) output_over_soft_since_ms_ = now_ms;
    if (now_ms - output_over_soft_since_ms_ > limit.soft_seconds * 1000) over_hard = true;
    if (!over_hard && !output_watched_) worker_.watch_output(*this);
    output_watched_ = !over_hard;
  }
  return over_hard;
}

void Connection::close_for_output() {
  if (doomed_) return;
  services().logger.warning("Client id=%lu addr=%s scheduled to be closed ASAP for overcoming of output buffer limits.",
                            static_cast<unsigned long>(id()), card().address.c_str());
  close_after_reply();  // nothing more is executed
  doom();
}

void Connection::recheck_output() {
  output_watched_ = false;
  check_output_limit();
}

void Connection::doom() {
  if (doomed_) return;
  doomed_ = true;
  running.reset();
  stop_waiting();
  if (wait_timer_) worker_.loop().cancel(*wait_timer_);
  wait_timer_.reset();
  worker_.bury(*this);
}

uint32_t Connection::wanted_events() const {
  uint32_t wanted = 0;
  if (wait_ == Wait::kReading && !end_of_input_ && !closing() && output_.size() <= kOutputPauseBytes) wanted |= kInputEvents;
  if (wait_ == Wait::kRunningWait || wait_ == Wait::kBlocked) wanted |= EPOLLRDHUP;
  if (wait_ == Wait::kHandshake) [[unlikely]] wanted |= EPOLLIN;
  if (output_blocked_) wanted |= EPOLLOUT;
  return wanted;
}

void Connection::update_events() {
  if (doomed_) return;
  uint32_t const wanted = wanted_events();
  if (tls_) [[unlikely]] {
    card().tls_bytes.store(tls_->memory_bytes(), std::memory_order_relaxed);
    if ((wanted & EPOLLIN) && tls_->has_input()) worker_.schedule_read(*this);
  }
  // Input that is not wanted any more is asked for until there is some: who waits for a key mostly sends nothing meanwhile, and
  // two system calls are saved.
  bool const lacking = wanted & ~events_;
  bool const too_many = events_ & ~wanted & ~kInputEvents;
  if (lacking || too_many) [[unlikely]] set_events(wanted);
}

void Connection::set_events(uint32_t wanted) {
  // With no event wanted the socket stays registered: a reset of the connection is still noticed (EPOLLHUP).
  if (!worker_.loop().modify(fd_.get(), wanted)) return doom();
  events_ = wanted;
}

void Connection::update_card() {
  ClientCard& shown = card();
  shown.input_bytes.store(input_.size(), std::memory_order_relaxed);
  shown.input_free_bytes.store(input_.capacity() - input_.size(), std::memory_order_relaxed);
  if (services().state.client_limit.bytes() != 0) [[unlikely]] note_memory();
}

}  // namespace holdfast
