#include "replication/replica_feed.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/number.h"
#include "base/random.h"

namespace holdfast::replication {
namespace {

constexpr size_t kMarkDigits = 40;
constexpr int64_t kKeepAliveMicroseconds = 1'000'000;
/// Bytes that are read from a file at once.
constexpr size_t kPieceBytes = 16 * 1024;

}  // namespace

std::string_view state_text(ReplicaFeed::State state) {
  using State = ReplicaFeed::State;
  switch (state) {
    case State::kNew:
    case State::kWaitStart:
    case State::kWaitEnd: return "wait_bgsave";
    case State::kSendBulk: return "send_bulk";
    case State::kWaitAck:
    case State::kOnline: break;
  }
  return "online";
}

ReplicaFeed::ReplicaFeed(Clock const& clock, log::Backlog& backlog, std::shared_ptr<ClientCard> card,
                         std::function<void(ClientCard&)> const& wake, std::function<void(ReplicaFeed const&)> ended)
    : clock_(clock),
      backlog_(backlog),
      card_(std::move(card)),
      wake_(wake),
      ended_(std::move(ended)),
      mark_(system_random_hex(kMarkDigits)),
      heard_us_(clock.monotonic_us()) {}

void ReplicaFeed::publish() {
  MutexLock lock(mutex_);
  ip_ = introduction.ip.empty() ? card_->address.substr(0, card_->address.rfind(':')) : introduction.ip;
  port_.store(introduction.port, std::memory_order_relaxed);
  proves_.store(introduction.proof, std::memory_order_relaxed);
}

void ReplicaFeed::stream_from(uint64_t offset) {
  publish();
  position_ = offset;
  heard();
  enter(State::kOnline);
}

void ReplicaFeed::send(std::shared_ptr<snapshot::Payload> payload, bool old, bool marked) {
  publish();
  old_ = old;
  marked_ = marked;
  silent_.store(old, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    payload_ = std::move(payload);
  }
  sent_ = 0;
  kept_alive_us_ = clock_.monotonic_us();
  enter(State::kWaitStart);
}

std::string ReplicaFeed::ip() const {
  MutexLock lock(mutex_);
  return ip_;
}

std::shared_ptr<snapshot::Payload> ReplicaFeed::payload() const {
  MutexLock lock(mutex_);
  return payload_;
}

void ReplicaFeed::acknowledge(uint64_t offset, std::optional<uint64_t> durable_offset) {
  heard();
  if (offset > acknowledged()) acknowledged_.store(offset, std::memory_order_release);
  if (durable_offset && *durable_offset > durable()) durable_.store(*durable_offset, std::memory_order_release);
  if (state() == State::kWaitAck) enter(State::kOnline);
}

OutputSource::Left ReplicaFeed::fill(OutputBuffer& output) {
  woken_.store(false, std::memory_order_release);
  if (closed_.load(std::memory_order_acquire)) return Left::kClose;
  switch (state()) {
    case State::kNew:
    case State::kWaitAck: return Left::kNothing;
    case State::kWaitStart: return fill_wait_start(output);
    case State::kWaitEnd: return fill_wait_end(output);
    case State::kSendBulk: return fill_bulk(output);
    case State::kOnline: break;
  }
  return fill_stream(output);
}

/// One empty line a second.
void ReplicaFeed::keep_alive(OutputBuffer& output) {
  int64_t const now_us = clock_.monotonic_us();
  if (now_us - kept_alive_us_ < kKeepAliveMicroseconds) return;
  kept_alive_us_ = now_us;
  output.append("\n");
}

OutputSource::Left ReplicaFeed::fill_wait_start(OutputBuffer& output) {
  auto const payload = this->payload();
  auto const state = payload->state();
  if (state == snapshot::Payload::State::kWaiting) {
    keep_alive(output);
    return Left::kNothing;
  }
  if (state == snapshot::Payload::State::kFailed) return Left::kClose;
  snapshot::StreamIdentity const& at = payload->identity();
  position_ = at.offset;
  if (!old_) output.append("+FULLRESYNC " + at.id + " " + to_text_unsigned(at.offset) + "\r\n");
  if (marked_) output.append("$EOF:" + mark_ + "\r\n");
  enter(marked_ ? State::kSendBulk : State::kWaitEnd);
  return Left::kMore;
}

OutputSource::Left ReplicaFeed::fill_wait_end(OutputBuffer& output) {
  auto const payload = this->payload();
  switch (payload->state()) {
    case snapshot::Payload::State::kFailed: return Left::kClose;
    case snapshot::Payload::State::kComplete: break;
    default: keep_alive(output); return Left::kNothing;
  }
  output.append("$" + to_text_unsigned(payload->bytes()) + "\r\n");
  enter(State::kSendBulk);
  return Left::kMore;
}

OutputSource::Left ReplicaFeed::fill_bulk(OutputBuffer& output) {
  auto const payload = this->payload();
  // In this order: a payload that is complete grows no more.
  auto const state = payload->state();
  uint64_t const there = payload->bytes();
  if (state == snapshot::Payload::State::kFailed) return Left::kClose;
  size_t room = kFillBytesMax;
  while (sent_ < there && room > 0) {
    size_t const wanted = static_cast<size_t>(std::min<uint64_t>({there - sent_, room, kPieceBytes / 2}));
    char* const place = output.reserve(wanted);
    if (!payload->read(sent_, {place, wanted})) return Left::kClose;
    output.commit(wanted);
    sent_ += wanted;
    room -= wanted;
  }
  if (sent_ < there) return Left::kMore;
  if (state != snapshot::Payload::State::kComplete) return Left::kNothing;
  if (marked_) output.append(mark_);
  heard();
  {
    MutexLock lock(mutex_);
    payload_.reset();
  }
  if (introduction.data_only) return Left::kClose;
  enter(marked_ ? State::kWaitAck : State::kOnline);
  return marked_ ? Left::kNothing : Left::kMore;
}

OutputSource::Left ReplicaFeed::fill_stream(OutputBuffer& output) {
  for (size_t done = 0; done < kFillBytesMax;) {
    char* const place = output.reserve(kPieceBytes / 2);
    auto const got = backlog_.read(position_, {place, kPieceBytes / 2});
    if (!got) return Left::kClose;
    if (*got == 0) return Left::kNothing;
    output.commit(*got);
    position_ += *got;
    done += *got;
  }
  return Left::kMore;
}

}  // namespace holdfast::replication
