#include "pubsub/tracking.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "command/session.h"
#include "command/worker_context.h"
#include "keyspace/lock_set.h"
#include "keyspace/txn.h"
#include "pubsub/invalidation_message.h"

namespace holdfast {
namespace {

/// Partitions that are looked into after one command when too much is remembered.
constexpr int kPartitionsLookedInto = 64;
/// Keys of a partition that are forgotten at once.
constexpr int kForgottenAtOnce = 64;

void update_card(Session& session) {
  ClientCard& card = session.card();
  TrackingState const* state = session.tracking.get();
  card.tracks.store(state != nullptr, std::memory_order_relaxed);
  card.tracks_broadcast.store(state && state->broadcast, std::memory_order_relaxed);
  card.broken_redirect.store(state && state->broken_redirect, std::memory_order_relaxed);
  card.redirect.store(state ? static_cast<int64_t>(state->redirect) : -1, std::memory_order_relaxed);
}

}  // namespace

Tracking::Tracking(int workers, PostOffice& office, config::Config const& config, Keyspace& keyspace,
                   ClientRegistry& clients)
    : office_(office), config_(config), keyspace_(keyspace), registry_(clients), pending_(static_cast<size_t>(workers)) {}

void Tracking::enable(Session& session, TrackingState state) {
  session.tracking = std::make_unique<TrackingState>(std::move(state));
  session.observed = true;
  update_card(session);
  TrackingState const& present = *session.tracking;
  uint64_t const id = session.card().id;
  MutexLock lock(mutex_);
  clients_[id] = {session.card().worker, present.redirect, present.broadcast, present.no_loop};
  for (std::string const& prefix : present.prefixes) prefixes_[prefix].insert(id);
  client_count_.store(clients_.size(), std::memory_order_relaxed);
  prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
  keyspace_.tracked.store(true, std::memory_order_relaxed);
}

void Tracking::disable(Session& session) {
  if (!session.tracking) return;
  TrackingState const state = std::move(*session.tracking);
  session.tracking.reset();
  update_card(session);
  MutexLock lock(mutex_);
  clients_.erase(session.card().id);
  forget_prefixes(session.card().id, state.prefixes);
  client_count_.store(clients_.size(), std::memory_order_relaxed);
  prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
  // What is still remembered of connections that are gone is forgotten with the change of the key, or for want of room.
  if (clients_.empty()) keyspace_.tracked.store(false, std::memory_order_relaxed);
}

void Tracking::forget_prefixes(uint64_t id, std::vector<std::string> const& prefixes) {
  for (std::string const& prefix : prefixes) {
    auto found = prefixes_.find(prefix);
    found->second.erase(id);
    if (found->second.empty()) prefixes_.erase(found);
  }
}

void Tracking::invalidated(std::span<Invalidation const> keys, uint64_t changer, int worker) {
  bool const broadcasts = prefixes() > 0;
  Pending unowned;  // of a thread that has no turns
  Pending& pending = worker >= 0 ? pending_[static_cast<size_t>(worker)] : unowned;
  for (Invalidation const& invalidation : keys) {
    uint64_t const by = invalidation.by_server ? 0 : changer;
    if (broadcasts) pending[invalidation.key] = by;
    std::vector<Target> targets;
    if (!invalidation.clients.empty()) {
      MutexLock lock(mutex_);
      for (uint64_t id : invalidation.clients) {
        auto found = clients_.find(id);
        if (found == clients_.end() || found->second.broadcast || (found->second.no_loop && id == by)) continue;
        targets.push_back({id, found->second.worker, found->second.redirect});
      }
    }
    std::string_view const key = invalidation.key;
    for (Target const& target : targets) send(target, std::span(&key, 1));
  }
  if (worker < 0) send_pending(unowned);
}

void Tracking::invalidated_all() {
  std::vector<Target> targets;
  {
    MutexLock lock(mutex_);
    for (auto const& [id, client] : clients_) targets.push_back({id, client.worker, client.redirect});
  }
  for (Target const& target : targets) send(target, std::nullopt);
}

void Tracking::send(Target const& target, std::optional<std::span<std::string_view const>> keys) {
  PostOffice::Round round(office_);
  if (target.redirect == 0) {
    round.send_one(target.worker, std::make_shared<InvalidationMessage const>(keys, false), target.client);
  } else if (auto const card = registry_.find(target.redirect)) {
    round.send_one(card->worker, std::make_shared<InvalidationMessage const>(keys, true), target.redirect);
  } else {
    round.send_one(target.worker, std::make_shared<BrokenRedirectMessage const>(target.redirect), target.client);
  }
}

void Tracking::send_pending(Pending& pending) {
  struct Part {
    std::string prefix;
    std::vector<std::pair<Target, bool>> targets;  // and whether it has NOLOOP
  };
  std::vector<Part> parts;
  {
    MutexLock lock(mutex_);
    for (auto const& [prefix, ids] : prefixes_) {
      Part& part = parts.emplace_back(prefix);
      for (uint64_t id : ids) {
        Client const& client = clients_.at(id);
        part.targets.push_back({{id, client.worker, client.redirect}, client.no_loop});
      }
    }
  }
  for (Part const& part : parts) {
    auto const begin = pending.lower_bound(part.prefix);
    auto end = begin;
    while (end != pending.end() && end->first.starts_with(part.prefix)) end++;
    for (auto const& [target, no_loop] : part.targets) {
      std::vector<std::string_view> keys;
      for (auto at = begin; at != end; at++) {
        if (!no_loop || at->second != target.client) keys.push_back(at->first);
      }
      if (!keys.empty()) send(target, keys);
    }
  }
  pending.clear();
}

void Tracking::limit_table(Session& session) {
  int64_t const keys_max = config_.integer(config::Directive::kTrackingTableMaxKeys);
  auto const over = [&] { return keys_max > 0 && keyspace_.tracked_keys.load(std::memory_order_relaxed) > keys_max; };
  WorkerContext& worker = session.worker();
  for (int i = 0; i < kPartitionsLookedInto && over(); i++) {
    // The first that has something, from some partition on.
    uint32_t const start = static_cast<uint32_t>(worker.random.below(keyspace_.partition_count()));
    for (uint32_t step = 0; step < keyspace_.partition_count() && over(); step++) {
      LockSet locks;
      uint32_t const index = (start + step) % keyspace_.partition_count();
      locks.add_partition(index);
      if (!locks.try_lock(keyspace_)) continue;
      Txn txn(keyspace_, locks, worker.scratch, worker.now_ms);
      bool const found = txn.forget_tracked(index);
      for (int more = 1; found && more < kForgottenAtOnce && over(); more++) {
        if (!txn.forget_tracked(index)) break;
      }
      txn.commit();
      if (found) break;
    }
  }
}

}  // namespace holdfast
