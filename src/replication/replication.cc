#include "replication/replication.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/thread_scope.h"
#include "command/client_card.h"
#include "command/pause.h"
#include "command/write_guards.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "snapshot/aof_location.h"
#include "snapshot/global_lock.h"

namespace holdfast::replication {
namespace {

using config::Directive;

constexpr std::string_view kPing = "*1\r\n$4\r\nping\r\n";
constexpr int64_t kSecondUs = 1'000'000;
constexpr auto kRetryAfter = std::chrono::seconds(1);
constexpr auto kLockRetry = std::chrono::microseconds(100);
/// A pause of a failover without TIMEOUT ends with the failover.
constexpr int64_t kForeverMs = int64_t{1} << 60;

std::string history_path(config::Config const& config) {
  log::AofLocation const location = snapshot::aof_location(config);
  return location.path(location.stem + ".history");
}

}  // namespace

/// While it lives the history changes: no file says what it was. On a thread that may block.
class Replication::HistoryChange {
 public:
  explicit HistoryChange(Replication& of) : of_(of) {
    {
      MutexLock lock(of_.history_file_mutex_);
      of_.changing_++;  // from here on nobody writes the file
    }
    of_.forget_history();
  }
  ~HistoryChange() {
    {
      MutexLock lock(of_.history_file_mutex_);
      of_.changing_--;
    }
    of_.note_history();
  }
  HistoryChange(HistoryChange const&) = delete;
  HistoryChange& operator=(HistoryChange const&) = delete;

 private:
  Replication& of_;
};

Replication::Replication(Services& services, Gate& gate, WorkerStatistics& statistics)
    : services_(services),
      replicas_(services),
      proofs_(services, replicas_),
      applier_(services, gate, statistics,
               {.asked = [this] { current_link_->acknowledge(); },
                .marked = [this](std::string_view id) { proofs_.marked(id, [this] { return stopping(); }); }}),
      interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      history_(fresh_id()),
      history_file_(services.disk, history_path(services.config)) {
  replicas_.changed = [this] { review(); };
}

Replication::~Replication() { stop(); }

std::string Replication::fresh_id() const { return system_random_hex(kIdDigits); }

// ---- the start and the end ----

void Replication::prepare() {
  pinged_us_ = services_.clock.monotonic_us();
  if (services_.config.flag(Directive::kAppendonly)) {
    MutexLock lock(history_file_mutex_);
    saved_history_ = history_file_.read();
  }
  auto const primary = services_.config.replica_of();
  if (!primary) return review();
  {
    MutexLock lock(mutex_);
    wanted_ = {.primary = primary, .change = 1};
  }
  replica_.store(true, std::memory_order_relaxed);
  set_following(true);
  review();
}

/// In a global transaction, or before the workers start.
void Replication::set_following(bool following) {
  services_.log.set_following(following);
  services_.keyspace.expiry_left_to_primary.store(following, std::memory_order_relaxed);
  services_.keyspace.forget_local_expiry();
}

void Replication::restore(snapshot::StreamIdentity const& saved) {
  bool const from_append_only = services_.log.state() != log::LogState::kOff;
  {
    MutexLock lock(mutex_);
    history_ = from_append_only ? *saved_history_ : History(saved.id);
    // As a primary it begins a new history where the saved one ended: who has that one can go on with ours.
    if (!is_replica()) history_.branch(fresh_id(), saved.offset);
  }
  // The log goes on there already, and what the files of the AOF have is the backlog.
  if (from_append_only) return note_history();
  services_.log.restart_stream(saved.offset, is_replica() ? saved.db : 0);
  if (Status prepared = services_.log.prepare_backlog(services_.config.text(Directive::kDir)); prepared) {
    services_.log.begin_backlog();
  } else {
    services_.logger.warning("Can't create the replication backlog: %s", prepared.error().message.c_str());
  }
}

void Replication::begin() {
  // What the file says does not belong to what was loaded.
  bool stale = false;
  {
    MutexLock lock(history_file_mutex_);
    stale = saved_history_ && !noted_;
  }
  if (stale) forget_history();
  if (is_replica()) want(services_.config.replica_of(), false);
}

void Replication::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  eventfd_write(interrupt_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

// ---- the role ----

uint64_t Replication::want(std::optional<ReplicaOf> primary, bool failover) {
  uint64_t change = 0;
  bool share = false;
  {
    MutexLock lock(mutex_);
    change = wanted_.change + 1;
    wanted_ = {.primary = std::move(primary), .change = change, .failover = failover};
    share = !shared_;
    shared_ = true;
  }
  if (share) {
    // The thread begins when nobody counts on being alone with the keys.
    auto const start = [this] {
      MutexLock lock(mutex_);
      if (stopping_) return;
      thread_ = std::thread([this] {
        ThreadScope const scope("replication");
        run();
      });
    };
    services_.keyspace.concurrent() ? start() : share_keyspace(start);
  }
  eventfd_write(interrupt_.get(), 1);
  changed_.notify_all();
  return change;
}

uint64_t Replication::follow(ReplicaOf const& primary) { return want(primary, false); }
uint64_t Replication::lead() { return want(std::nullopt, false); }

bool Replication::settled(uint64_t change) const {
  MutexLock lock(mutex_);
  return settled_ >= change || stopping_;
}

std::optional<ReplicaOf> Replication::primary() const {
  MutexLock lock(mutex_);
  return wanted_.primary;
}

History Replication::history() const {
  MutexLock lock(mutex_);
  return history_;
}

std::optional<snapshot::StreamIdentity> Replication::identity() const {
  if (!services_.log.backlog().active() && !is_replica()) return std::nullopt;
  MutexLock lock(mutex_);
  return snapshot::StreamIdentity{history_.id(), services_.log.appended_offset(),
                                  is_replica() ? services_.log.selected_database() : 0};
}

bool Replication::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void Replication::change_id() {
  HistoryChange const change(*this);
  MutexLock lock(mutex_);
  history_.adopt(fresh_id());
}

void Replication::stream_ended() {
  MutexLock lock(mutex_);
  if (!is_replica()) history_.adopt(fresh_id());
}

void Replication::forget_history() {
  MutexLock lock(history_file_mutex_);
  noted_.reset();
  if (Status removed = history_file_.remove(); !removed) {
    services_.logger.warning("Can't remove what the AOF was known to belong to: %s", removed.error().message.c_str());
  }
}

void Replication::note_history() {
  MutexLock lock(history_file_mutex_);
  if (changing_ > 0 || services_.log.state() != log::LogState::kOn || !services_.log.backlog().active()) return;
  History const now = history();
  if (noted_ == now) return;
  noted_.reset();
  Status const written = history_file_.write(now);
  if (written) {
    noted_ = now;
    return;
  }
  services_.logger.warning("After a restart replicas will need all data: %s", written.error().message.c_str());
  // What it said before is not true any more.
  static_cast<void>(history_file_.remove());
}

// ---- the thread ----

void Replication::run() {
  PrimaryLink::Owner const owner = link_owner();
  while (true) {
    Wanted wanted;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && settled_ == wanted_.change && !wanted_.primary) lock.wait(changed_);
      if (stopping_) return;
      wanted = wanted_;
    }
    eventfd_t drained = 0;
    eventfd_read(interrupt_.get(), &drained);
    bool fresh = false;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      fresh = settled_ != wanted.change;
    }
    if (fresh) settle(wanted);
    if (!wanted.primary) continue;
    PrimaryLink link(services_, applier_, link_, owner, {.interrupt = interrupt_.get(), .news = proofs_.news()});
    current_link_ = &link;
    link.follow(wanted.primary->host, wanted.primary->port, wanted.failover && fresh);
    current_link_ = nullptr;
    MutexLock lock(mutex_);
    wanted_.failover = false;
    if (!stopping_ && wanted_.change == wanted.change) lock.wait_for(changed_, kRetryAfter);
  }
}

/// Brings the role to what is wanted.
void Replication::settle(Wanted const& wanted) {
  if (wanted.primary) {
    if (!replica_.load(std::memory_order_relaxed)) become_replica();
    link_.refused.store(false, std::memory_order_relaxed);
  } else if (replica_.load(std::memory_order_relaxed)) {
    become_primary();
  }
  {
    MutexLock lock(mutex_);
    settled_ = wanted.change;
  }
  review();
  role_changed();
}

void Replication::in_global_transaction(std::function<void()> const& work) {
  snapshot::GlobalLock all(services_.keyspace);
  while (!all.try_lock()) std::this_thread::sleep_for(kLockRetry);
  work();
  all.unlock();
}

void Replication::become_replica() {
  // From here on the gate refuses writes; what it has let in before is over when all partitions are ours.
  replica_.store(true, std::memory_order_relaxed);
  review();
  in_global_transaction([this] { set_following(true); });
  end_waits();
}

void Replication::become_primary() {
  HistoryChange const change(*this);
  in_global_transaction([this] {
    set_following(false);
    MutexLock lock(mutex_);
    history_.branch(fresh_id(), services_.log.appended_offset());
    replica_.store(false, std::memory_order_relaxed);
  });
  // They come again and learn the new id.
  replicas_.disconnect_all();
  services_.logger.notice("MASTER MODE enabled");
}

/// Who waits for keys would be served by writes that cannot happen any more.
void Replication::end_waits() {
  for (auto const& card : services_.clients.list()) {
    if (auto const waiting = card->unblockable()) waiting->unblock(Unblockable::Reason::kRoleChanged);
  }
}

/// All keys are about to be replaced. In a global transaction.
void Replication::touch_watched_keys() {
  Keyspace& keyspace = services_.keyspace;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    for (int db = 0; db < keyspace.databases(); db++) {
      keyspace.partition(i).watchers.touch_database(db, [](std::string_view) { return true; });
    }
  }
}

PrimaryLink::Owner Replication::link_owner() {
  return {
      .resume_place = [this]() -> std::optional<Handshake::Terms::Place> {
        MutexLock lock(mutex_);
        return Handshake::Terms::Place{history_.id(), services_.log.appended_offset()};
      },
      .before_adoption =
          [this] {
            forget_history();
            replicas_.disconnect_all();
            touch_watched_keys();
            services_.keyspace.forget_local_expiry();
          },
      .after_adoption =
          [this](snapshot::StreamIdentity const& at) {
            MutexLock lock(mutex_);
            history_.adopt(at.id);
          },
      .continued = [this](std::string const& id) { return continue_with(id); },
      .knows =
          [this](std::string const& id, uint64_t offset) {
            MutexLock lock(mutex_);
            return id == history_.id() && offset >= services_.log.appended_offset();
          },
      .changed = [this] { review(); },
      .take_reports = [this] { return proofs_.take_reports(); },
      .handed_over =
          [this](bool accepted) {
            end_failover(accepted ? "" : "the target has refused");
            if (!accepted) lead();
          },
  };
}

Status Replication::continue_with(std::string const& id) {
  if (!id.empty()) {
    HistoryChange const change(*this);
    MutexLock lock(mutex_);
    history_.branch(id, services_.log.appended_offset());
  }
  if (!id.empty()) replicas_.disconnect_all();
  ensure_backlog();
  note_history();
  return {};
}

void Replication::ensure_backlog() {
  if (services_.log.backlog().readable()) return;
  uint64_t const ticket = services_.persistence.begin_backlog();
  // Worker 0 takes part in it, and may have ended before us.
  while (!services_.persistence.save_result(ticket) && !stopping()) std::this_thread::sleep_for(kLockRetry);
}

// ---- replicas of ours ----

Replication::Answer Replication::synchronize(std::shared_ptr<ReplicaFeed> const& feed, std::optional<Wish> const& wish) {
  if (failover_state() != FailoverState::kNone) return {.line = "-NOMASTERLINK Can't SYNC while failing over"};
  if (is_replica() && !link_up()) return {.line = "-NOMASTERLINK Can't SYNC while not connected with my master"};
  std::string const& ip = feed->card().address;
  if (feed->introduction.filter && !feed->introduction.eof) return {.line = "Filtered replica requires EOF capability"};
  if (wish) {
    auto const window = services_.log.backlog().window();
    History const ours = history();
    if (window && !feed->introduction.filter &&
        ours.may_resume(wish->id, wish->offset, window->begin, services_.log.appended_offset())) {
      replicas_.partial_ok.fetch_add(1, std::memory_order_relaxed);
      services_.logger.notice("Partial resynchronization request from %s accepted.", ip.c_str());
      feed->stream_from(static_cast<uint64_t>(wish->offset) - 1);
      replicas_.add(feed);
      return {.accepted = true, .line = feed->introduction.psync2 ? "+CONTINUE " + ours.id() + "\r\n" : "+CONTINUE\r\n"};
    }
    if (wish->id != "?") replicas_.partial_error.fetch_add(1, std::memory_order_relaxed);
  }
  replicas_.full.fetch_add(1, std::memory_order_relaxed);
  services_.logger.notice("Full resync requested by replica %s", ip.c_str());
  std::optional<ReplicaFeed::Filter> const& filter = feed->introduction.filter;
  feed->send(filter ? replicas_.filtered_payload(filter->functions, identity()) : replicas_.payload(), !wish,
             feed->introduction.eof && (filter || services_.config.flag(Directive::kReplDisklessSync)));
  replicas_.add(feed);
  return {.accepted = true};
}

std::string Replication::check_take_over(std::string_view id) const {
  if (!is_replica()) return "PSYNC FAILOVER can't be sent to a master.";
  return iequals(history().id(), id) ? "" : "PSYNC FAILOVER replid must match my replid.";
}

// ---- failover ----

std::string Replication::start_failover(FailoverOrder const& order) {
  if (failover_state() != FailoverState::kNone) return "FAILOVER already in progress.";
  if (is_replica()) return "FAILOVER is not valid when server is a replica.";
  if (replicas_.count() == 0) return "FAILOVER requires connected replicas.";
  if (order.force && (order.timeout_ms == 0 || !order.target)) {
    return "FAILOVER with force option requires both a timeout and target HOST and IP.";
  }
  if (order.target) {
    auto const feed = find_replica(*order.target);
    if (!feed) return "FAILOVER target HOST and PORT is not a replica.";
    if (feed->state() != ReplicaFeed::State::kOnline) return "FAILOVER target replica is not online.";
  }
  int64_t const now_ms = services_.clock.unix_ms();
  {
    MutexLock lock(mutex_);
    failover_ = order;
    failover_until_ms_ = order.timeout_ms ? now_ms + order.timeout_ms : 0;
  }
  services_.logger.notice("FAILOVER requested%s%s.", order.target ? " to " : "",
                          order.target ? config::replica_of_text(*order.target).c_str() : "");
  failover_state_.store(FailoverState::kWaitForSync, std::memory_order_relaxed);
  services_.pause.start(Pause::Purpose::kFailover, Pause::Mode::kWrite, now_ms, kForeverMs);
  return "";
}

bool Replication::abort_failover() {
  FailoverState const state = failover_state();
  if (state == FailoverState::kNone) return false;
  // The target may have taken over already, or does so now: our link to it is given up, and we lead.
  if (state == FailoverState::kInProgress) lead();
  end_failover("Failover manually aborted");
  return true;
}

std::shared_ptr<ReplicaFeed> Replication::find_replica(ReplicaOf const& at) const {
  for (auto const& feed : replicas_.list()) {
    if (feed->is_at(at)) return feed;
  }
  return nullptr;
}

void Replication::tick_failover(int64_t now_ms) {
  if (failover_state() != FailoverState::kWaitForSync) return;
  FailoverOrder order;
  int64_t until_ms = 0;
  {
    MutexLock lock(mutex_);
    order = failover_;
    until_ms = failover_until_ms_;
  }
  uint64_t const offset = services_.log.appended_offset();
  std::optional<ReplicaOf> ready;
  for (auto const& feed : replicas_.list()) {
    bool const meant = !order.target || feed->is_at(*order.target);
    if (meant && feed->state() == ReplicaFeed::State::kOnline && feed->acknowledged() == offset) {
      ready = ReplicaOf{feed->ip(), feed->port()};
      break;
    }
  }
  bool const late = until_ms != 0 && now_ms >= until_ms;
  if (!ready && late && order.force) ready = order.target;
  if (!ready && late) return end_failover("Replica never caught up before timeout");
  // Nothing new is written, and what replicas say by themselves, once a second, speaks of the right place.
  if (!ready) return;
  services_.logger.notice("Failover target %s:%d is synced, failing over.", ready->host.c_str(), ready->port);
  failover_state_.store(FailoverState::kInProgress, std::memory_order_relaxed);
  services_.config.set_replica_of(ready);
  want(ready, true);
}

void Replication::end_failover(std::string_view why) {
  if (failover_state_.exchange(FailoverState::kNone, std::memory_order_relaxed) == FailoverState::kNone) return;
  if (!why.empty()) services_.logger.notice("Failover aborted: %.*s", static_cast<int>(why.size()), why.data());
  services_.pause.stop(Pause::Purpose::kFailover);
}

// ---- driven by the server ----

void Replication::tick() {
  int64_t const now_us = services_.clock.monotonic_us();
  tick_failover(services_.clock.unix_ms());
  if (now_us < next_second_us_) return;
  next_second_us_ = now_us + kSecondUs;
  replicas_.tend();
  review();
  bool const primary_with_replicas = replicas_.count() > 0 && !is_replica();
  int64_t const ping_period_us = services_.config.integer(Directive::kReplPingReplicaPeriod) * kSecondUs;
  if (!primary_with_replicas) pinged_us_ = now_us;
  // While writes wait somebody may be about to hand over: the replicas' places stay the same as ours.
  bool const paused = services_.pause.mode(services_.clock.unix_ms()) != Pause::Mode::kNone;
  if (primary_with_replicas && now_us - pinged_us_ >= ping_period_us && !paused) {
    pinged_us_ = now_us;
    if (services_.log.active()) services_.log.append_control(kPing);
    services_.log.end_turn();
  }
  tend_backlog(now_us);
}

/// Without replicas for long, nothing is kept for them.
void Replication::tend_backlog(int64_t now_us) {
  int64_t const ttl_s = services_.config.integer(Directive::kReplBacklogTtl);
  if (replicas_.count() > 0 || is_replica() || !services_.log.backlog().active() || ttl_s == 0) {
    alone_since_us_ = -1;
    return;
  }
  if (alone_since_us_ < 0) alone_since_us_ = now_us;
  if (now_us - alone_since_us_ < ttl_s * kSecondUs) return;
  alone_since_us_ = -1;
  services_.logger.notice("Replication backlog freed after %lld seconds without connected replicas.", static_cast<long long>(ttl_s));
  // Without AOF the stream ends.
  if (services_.log.state() == log::LogState::kOff) change_id();
  services_.persistence.end_backlog();
}

void Replication::cut_link() {
  services_.logger.notice("Connection with master lost.");
  eventfd_write(interrupt_.get(), 1);
}

void Replication::review() {
  using Restriction = WriteGuards::Restriction;
  config::Config const& config = services_.config;
  MutexLock lock(review_mutex_);
  uint32_t restrictions = 0;
  if (is_replica()) {
    if (config.flag(Directive::kReplicaReadOnly)) restrictions |= Restriction::kReadOnlyReplica;
    if (!config.flag(Directive::kReplicaServeStaleData) && !link_up()) restrictions |= Restriction::kStaleReplica;
  } else {
    int64_t const wanted = config.integer(Directive::kMinReplicasToWrite);
    int64_t const lag_s = config.integer(Directive::kMinReplicasMaxLag);
    if (wanted > 0 && lag_s > 0 && replicas_.good(lag_s) < wanted) restrictions |= Restriction::kTooFewReplicas;
  }
  services_.guards.restrictions.store(restrictions, std::memory_order_relaxed);
}

}  // namespace holdfast::replication
