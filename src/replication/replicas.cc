#include "replication/replicas.h"

#include <algorithm>

#include "config/config.h"
#include "log/log.h"
#include "replication/history.h"
#include "snapshot/persistence.h"

namespace holdfast::replication {
namespace {

using config::Directive;

constexpr std::string_view kGetAck = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

}  // namespace

std::shared_ptr<ReplicaFeed> Replicas::make_feed(std::shared_ptr<ClientCard> card) {
  return std::make_shared<ReplicaFeed>(services_.clock, services_.log.backlog(), std::move(card), wake_connection,
                                       [this](ReplicaFeed const& feed) { remove(feed); });
}

void Replicas::add(std::shared_ptr<ReplicaFeed> const& feed) {
  MutexLock lock(mutex_);
  feeds_.push_back(feed);
  count_.store(feeds_.size(), std::memory_order_relaxed);
}

void Replicas::remove(ReplicaFeed const& feed) {
  std::shared_ptr<ReplicaFeed> removed;  // destroyed outside of the mutex
  {
    MutexLock lock(mutex_);
    auto const found = std::ranges::find_if(feeds_, [&](auto const& each) { return each.get() == &feed; });
    if (found == feeds_.end()) return;
    removed = std::move(*found);
    feeds_.erase(found);
    count_.store(feeds_.size(), std::memory_order_relaxed);
  }
  services_.logger.warning("Connection with replica %s:%d lost.", removed->ip().c_str(), removed->port());
  changed();
}

std::shared_ptr<snapshot::Payload> Replicas::payload() {
  std::shared_ptr<snapshot::Payload> fresh;
  {
    MutexLock lock(mutex_);
    if (auto const present = payload_.lock()) {
      auto const state = present->state();
      if (state == snapshot::Payload::State::kWaiting || state == snapshot::Payload::State::kGrowing) return present;
    }
    fresh = std::make_shared<snapshot::Payload>([this] { wake_all(); });
    payload_ = fresh;
  }
  services_.persistence.send_dataset(fresh);
  return fresh;
}

std::shared_ptr<snapshot::Payload> Replicas::filtered_payload(bool functions,
                                                              std::optional<snapshot::StreamIdentity> const& at) {
  auto payload = std::make_shared<snapshot::Payload>([this] { wake_all(); });
  payload->hold(services_.persistence.rdb_without_keys(functions));
  payload->begin(at.value_or(snapshot::StreamIdentity{.id = std::string(kIdDigits, '0'), .offset = services_.log.appended_offset()}));
  payload->end(true);
  return payload;
}

std::vector<std::shared_ptr<ReplicaFeed>> Replicas::list() const {
  MutexLock lock(mutex_);
  return feeds_;
}

void Replicas::wake_all() {
  for (auto const& feed : list()) feed->wake();
}

void Replicas::disconnect_all() {
  for (auto const& feed : list()) feed->close();
}

template <class Fits>
int64_t Replicas::count_if(Fits&& fits) const {
  if (count() == 0) return 0;
  MutexLock lock(mutex_);
  return std::ranges::count_if(feeds_, [&](auto const& feed) {
    return feed->state() == ReplicaFeed::State::kOnline && fits(*feed);
  });
}

int64_t Replicas::acknowledged(uint64_t offset) const {
  return count_if([=](ReplicaFeed const& feed) { return feed.acknowledged() >= offset; });
}

int64_t Replicas::durable(uint64_t offset) const {
  return count_if([=](ReplicaFeed const& feed) { return feed.durable() >= offset; });
}

int64_t Replicas::good(int64_t lag_s) const {
  int64_t const now_us = services_.clock.monotonic_us();
  return count_if([=](ReplicaFeed const& feed) { return now_us - feed.heard_us() <= (lag_s + 1) * 1'000'000 - 1; });
}

void Replicas::ask_for_acknowledgements() {
  if (count() == 0 || !services_.log.active()) return;
  services_.log.append_control(kGetAck);
}

void Replicas::tend() {
  int64_t const limit_us = services_.config.integer(Directive::kReplTimeout) * 1'000'000;
  int64_t const now_us = services_.clock.monotonic_us();
  for (auto const& feed : list()) {
    if (feed->state() == ReplicaFeed::State::kOnline && !feed->silent() && now_us - feed->heard_us() > limit_us) {
      services_.logger.warning("Disconnecting timedout replica (streaming sync): %s:%d", feed->ip().c_str(), feed->port());
      feed->close();
    } else {
      feed->wake();
    }
  }
}

}  // namespace holdfast::replication
