#include <algorithm>

#include "admin/info_sections.h"
#include "command/services.h"
#include "config/config.h"
#include "log/log.h"
#include "replication/replication.h"

// The role of this server, its primary, its replicas, and the backlog.

namespace holdfast {
namespace {

using config::Directive;
using replication::LinkState;
using replication::ReplicaFeed;
using replication::Replication;

constexpr auto kOrder = std::memory_order_relaxed;

int64_t seconds_since(Services& services, int64_t us) {
  return us < 0 ? -1 : std::max<int64_t>(0, services.clock.monotonic_us() - us) / 1'000'000;
}

void info_transfer(Services& services, replication::LinkFigures const& link, InfoText& text) {
  int64_t const total = link.total_bytes.load(kOrder);
  auto const read = static_cast<int64_t>(link.read_bytes.load(kOrder));
  text.field("master_sync_total_bytes", total);
  text.field("master_sync_read_bytes", read);
  text.field("master_sync_left_bytes", total - read);
  text.number("master_sync_perc", total > 0 ? static_cast<double>(read) / static_cast<double>(total) * 100 : 0);
  text.field("master_sync_last_io_seconds_ago", seconds_since(services, link.heard_us.load(kOrder)));
}

void info_primary(Services& services, Replication& replication, InfoText& text) {
  auto const primary = replication.primary().value_or(config::ReplicaOf{});
  replication::LinkFigures const& link = replication.link();
  LinkState const state = link.state.load(kOrder);
  bool const up = state == LinkState::kConnected;
  uint64_t const applied = services.log.appended_offset();
  text.field("master_host", primary.host);
  text.field("master_port", primary.port);
  text.field("master_link_status", up ? "up" : "down");
  text.field("master_last_io_seconds_ago", up ? seconds_since(services, link.heard_us.load(kOrder)) : -1);
  text.field("master_sync_in_progress", state == LinkState::kTransfer ? 1 : 0);
  text.field("slave_read_repl_offset", up ? std::max(applied, link.read_offset.load(kOrder)) : applied);
  text.field("slave_repl_offset", applied);
  if (state == LinkState::kTransfer) info_transfer(services, link, text);
  if (!up) text.field("master_link_down_since_seconds", seconds_since(services, link.down_since_us.load(kOrder)));
  text.field("slave_priority", services.config.integer(Directive::kReplicaPriority));
  text.field("slave_read_only", services.config.flag(Directive::kReplicaReadOnly) ? 1 : 0);
  text.field("replica_announced", services.config.flag(Directive::kReplicaAnnounced) ? 1 : 0);
}

void info_replicas(Services& services, Replication& replication, InfoText& text) {
  auto const feeds = replication.replicas().list();
  text.field("connected_slaves", feeds.size());
  int64_t const lag_s = services.config.integer(Directive::kMinReplicasMaxLag);
  if (services.config.integer(Directive::kMinReplicasToWrite) > 0 && lag_s > 0) {
    text.field("min_slaves_good_slaves", replication.replicas().good(lag_s));
  }
  int index = 0;
  for (auto const& feed : feeds) {
    int64_t const lag = feed->state() == ReplicaFeed::State::kOnline ? seconds_since(services, feed->heard_us()) : 0;
    std::string line = "ip=" + feed->ip() + ",port=" + to_text(feed->port()) + ",state=";
    line.append(state_text(feed->state()));
    line += ",offset=" + to_text_unsigned(feed->acknowledged()) + ",lag=" + to_text(lag);
    text.field("slave" + to_text(index++), line);
  }
}

std::string_view failover_text(Replication::FailoverState state) {
  switch (state) {
    case Replication::FailoverState::kNone: break;
    case Replication::FailoverState::kWaitForSync: return "waiting-for-sync";
    case Replication::FailoverState::kInProgress: return "failover-in-progress";
  }
  return "no-failover";
}

void info_proof(replication::Proofs& proofs, InfoText& text) {
  using State = replication::ProofVerdict::State;
  auto const last = proofs.last();
  text.field("replica_proof_in_progress", proofs.running() ? 1 : 0);
  text.field("replica_proof_last_time", last ? last->unix_s : -1);
  text.field("replica_proof_last_equal", last ? last->count(State::kEqual) : 0);
  text.field("replica_proof_last_different", last ? last->count(State::kDifferent) : 0);
  text.field("replica_proof_last_unchecked", last ? last->unchecked() : 0);
}

}  // namespace

void info_replication(Session& session, InfoText& text) {
  Services& services = session.services();
  Replication& replication = *services.replication;
  bool const replica = replication.is_replica();
  text.section("Replication");
  text.field("role", replica ? "slave" : "master");
  if (replica) info_primary(services, replication, text);
  info_replicas(services, replication, text);
  text.field("master_failover_state", failover_text(replication.failover_state()));
  replication::History const history = replication.history();
  text.field("master_replid", history.id());
  text.field("master_replid2", history.previous_id());
  text.field("master_repl_offset", services.log.appended_offset());
  text.field("second_repl_offset", history.previous_end());
  auto const window = services.log.backlog().window();
  text.field("repl_backlog_active", window ? 1 : 0);
  text.field("repl_backlog_size", services.config.memory(Directive::kReplBacklogSize));
  text.field("repl_backlog_first_byte_offset", window ? window->begin + 1 : 0);
  text.field("repl_backlog_histlen", window ? services.log.appended_offset() - window->begin : 0);
  info_proof(replication.proofs(), text);
  text.field("master_refused", replication.link().refused.load(kOrder) ? 1 : 0);
}

}  // namespace holdfast
