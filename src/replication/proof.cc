#include "replication/proof.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/number.h"
#include "base/random.h"
#include "log/log.h"
#include "snapshot/persistence.h"

namespace holdfast::replication {
namespace {

using State = ProofVerdict::State;

constexpr size_t kProofIdDigits = 16;
/// A replica stops its stream for the begin of its cut no longer than this.
constexpr auto kBeginWait = std::chrono::seconds(1);
constexpr auto kBeginPause = std::chrono::microseconds(100);

std::string name_of(ReplicaFeed const& feed) { return feed.ip() + ":" + to_text(feed.port()); }

State state_of(ReplicaFeed const& feed) {
  if (!feed.proves()) return State::kUnsupported;
  return feed.online() ? State::kSilent : State::kSynchronizing;
}

State state_of(std::string_view word) {
  if (word == ProofReport::kBusy) return State::kBusy;
  if (word == ProofReport::kUnsupported) return State::kUnsupported;
  if (word == ProofReport::kSynchronizing) return State::kSynchronizing;
  return State::kFailed;
}

/// Calls `each` for the words of a text.
template <class Each>
void for_each_word(std::string_view text, Each&& each) {
  while (!text.empty()) {
    size_t const end = std::min(text.find(' '), text.size());
    if (end > 0) each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string join(std::string_view first, std::string_view separator, std::string_view second) {
  std::string joined(first);
  if (!first.empty() && !second.empty()) joined.append(separator);
  return joined.append(second);
}

}  // namespace

std::string_view state_text(ProofVerdict::State state) {
  switch (state) {
    case State::kSilent: break;
    case State::kEqual: return "equal";
    case State::kDifferent: return "different";
    case State::kBusy: return ProofReport::kBusy;
    case State::kFailed: return ProofReport::kFailed;
    case State::kUnsupported: return ProofReport::kUnsupported;
    case State::kSynchronizing: return ProofReport::kSynchronizing;
    case State::kLost: return "disconnected";
  }
  return "no-answer";
}

size_t ProofResult::count(ProofVerdict::State state) const {
  return static_cast<size_t>(std::ranges::count(replicas, state, &ProofVerdict::state));
}

size_t ProofResult::unchecked() const { return replicas.size() - count(State::kEqual) - count(State::kDifferent); }

// ---- one proof ----

ProofRun::Node& ProofRun::node(std::string const& key, std::string_view name, std::string_view via) {
  auto const found = std::ranges::find(nodes_, key, &Node::key);
  if (found != nodes_.end()) return *found;
  Node& fresh = nodes_.emplace_back();
  fresh.key = key;
  fresh.verdict.replica = name;
  fresh.verdict.via = via;
  return fresh;
}

ProofRun::Node& ProofRun::node_of(ReplicaFeed const& feed) { return node(to_text_unsigned(feed.card().id), name_of(feed), ""); }

void ProofRun::begin(uint64_t offset, std::vector<std::shared_ptr<ReplicaFeed>> const& feeds) {
  MutexLock lock(mutex_);
  begun_ = true;
  offset_ = offset;
  for (auto const& feed : feeds) {
    Node& its = node_of(*feed);
    its.verdict.state = state_of(*feed);
    its.awaited = its.verdict.state == State::kSilent;
  }
}

void ProofRun::digested(Status const& status, snapshot::GroupDigests digests) {
  MutexLock lock(mutex_);
  digested_ = true;
  failed_ = !status || !begun_;
  own_ = std::move(digests);
}

void ProofRun::hear(ReplicaFeed const& feed, ProofReport const& report) {
  std::optional<snapshot::GroupDigests> digests;
  if (report.state == ProofReport::kDone) digests = snapshot::decode_digests(report.digests);
  MutexLock lock(mutex_);
  Node const& direct = node_of(feed);
  std::string const way = join(direct.key, " ", report.from);
  std::string passed = direct.verdict.replica;  // the names up to the one before the last
  std::string last;
  for_each_word(report.from, [&](std::string_view word) {
    if (!last.empty()) passed = join(passed, " > ", last);
    last = word;
  });
  {
    Node& its = last.empty() ? node_of(feed) : node(way, last, passed);
    its.awaited = false;
    its.has_digests = digests.has_value();
    if (digests) {
      its.digests = std::move(*digests);
    } else {
      its.verdict.state = state_of(report.state);
    }
  }
  std::string const via = last.empty() ? passed : join(passed, " > ", last);
  // The analysis does not see that the lock is held in here.
  for_each_word(report.replicas, [&](std::string_view word)
                                     NO_THREAD_SAFETY_ANALYSIS { node(way + " " + std::string(word), word, via); });
}

void ProofRun::keep(std::vector<std::shared_ptr<ReplicaFeed>> const& feeds) {
  MutexLock lock(mutex_);
  for (Node& each : nodes_) {
    if (!each.awaited) continue;
    std::string_view const connection = std::string_view(each.key).substr(0, each.key.find(' '));
    bool const there =
        std::ranges::any_of(feeds, [&](auto const& feed) { return to_text_unsigned(feed->card().id) == connection; });
    if (there) continue;
    each.awaited = false;
    each.verdict.state = State::kLost;
  }
}

ProofRun::Progress ProofRun::progress() const {
  MutexLock lock(mutex_);
  if (digested_ && failed_) return Progress::kFailed;
  if (!begun_) return Progress::kQueued;
  if (!digested_) return Progress::kWalking;
  return std::ranges::any_of(nodes_, &Node::awaited) ? Progress::kWaiting : Progress::kComplete;
}

ProofResult ProofRun::result() const {
  MutexLock lock(mutex_);
  ProofResult result;
  result.offset = offset_;
  for (snapshot::GroupDigest const& group : own_) {
    if (group.db != snapshot::GroupDigest::kFunctions) result.keys += group.keys;
  }
  for (Node const& each : nodes_) {
    ProofVerdict& verdict = result.replicas.emplace_back(each.verdict);
    if (!each.has_digests) continue;
    verdict.differences = snapshot::differences(own_, each.digests);
    verdict.state = verdict.differences.empty() ? State::kEqual : State::kDifferent;
  }
  return result;
}

// ---- as a primary ----

Proofs::Proofs(Services& services, Replicas& replicas)
    : services_(services), replicas_(replicas), news_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

std::shared_ptr<ProofRun> Proofs::start() {
  auto const run = std::make_shared<ProofRun>(system_random_hex(kProofIdDigits));
  {
    MutexLock lock(mutex_);
    if (run_) return nullptr;
    run_ = run;
  }
  auto const order = std::make_shared<snapshot::DigestOrder>();
  order->begun = [this, run] {
    if (run->given_up() || !services_.log.active()) return false;
    std::string const mark = proof_mark(run->id());
    // Before anybody can answer.
    run->begin(services_.log.appended_offset() + mark.size(), replicas_.list());
    services_.log.append_control(mark);
    return true;
  };
  // Not of the run, which must not own what owns it.
  order->ended = [run, weak = std::weak_ptr(order)](Status const& status) {
    auto const own = weak.lock();
    run->digested(status, own ? std::move(own->result) : snapshot::GroupDigests());
  };
  services_.persistence.make_digests(order, false);
  return run;
}

ProofRun::Progress Proofs::look(ProofRun& run) {
  // The mark may have been appended since.
  services_.log.end_turn();
  if (run.progress() == ProofRun::Progress::kWaiting) run.keep(replicas_.list());
  return run.progress();
}

void Proofs::end(ProofRun& run, std::shared_ptr<ProofResult const> result) {
  run.give_up();
  MutexLock lock(mutex_);
  if (run_.get() == &run) run_.reset();
  if (result) last_ = std::move(result);
}

std::shared_ptr<ProofResult const> Proofs::last() const {
  MutexLock lock(mutex_);
  return last_;
}

bool Proofs::running() const {
  MutexLock lock(mutex_);
  return run_ != nullptr;
}

void Proofs::hear(ReplicaFeed const& feed, ProofReport report, bool is_replica) {
  if (is_replica) {
    report.from = join(name_of(feed), " ", report.from);
    return tell(std::move(report));
  }
  std::shared_ptr<ProofRun> run;
  {
    MutexLock lock(mutex_);
    run = run_;
  }
  if (run && run->id() == report.id) run->hear(feed, report);
}

// ---- as a replica ----

void Proofs::tell(ProofReport report) {
  {
    MutexLock lock(mutex_);
    // Nobody takes them while there is no primary.
    constexpr size_t kReportsMax = 1000;
    if (reports_.size() >= kReportsMax) reports_.erase(reports_.begin());
    reports_.push_back(std::move(report));
  }
  eventfd_write(news_.get(), 1);
}

std::vector<ProofReport> Proofs::take_reports() {
  eventfd_t drained = 0;
  eventfd_read(news_.get(), &drained);
  MutexLock lock(mutex_);
  return std::exchange(reports_, {});
}

/// Says of those that will say nothing why.
std::string Proofs::names_of_replicas(std::string_view id) {
  std::string names;
  for (auto const& feed : replicas_.list()) {
    std::string const name = name_of(*feed);
    names = join(names, " ", name);
    State const state = state_of(*feed);
    if (state == State::kSilent) continue;
    tell({.id = std::string(id), .from = name, .state = std::string(state_text(state)), .replicas = {}, .digests = {}});
  }
  return names;
}

void Proofs::marked(std::string_view id, std::function<bool()> const& stopping) {
  ProofReport report{.id = std::string(id), .from = {}, .state = {}, .replicas = names_of_replicas(id), .digests = {}};
  enum class Moment : uint8_t { kWaiting, kBegun, kMissed };
  auto const moment = std::make_shared<std::atomic<Moment>>(Moment::kWaiting);
  auto const leave_waiting = [moment](Moment to) {
    Moment expected = Moment::kWaiting;
    return moment->compare_exchange_strong(expected, to, std::memory_order_acq_rel);
  };
  auto const order = std::make_shared<snapshot::DigestOrder>();
  order->begun = [leave_waiting] { return leave_waiting(Moment::kBegun); };
  order->ended = [this, moment, report, weak = std::weak_ptr(order)](Status const& status) {
    if (moment->load(std::memory_order_acquire) != Moment::kBegun) return;
    auto const own = weak.lock();
    ProofReport told = report;
    told.state = status && own ? ProofReport::kDone : ProofReport::kFailed;
    if (status && own) told.digests = snapshot::encode_digests(own->result);
    tell(std::move(told));
  };
  bool begun = false;
  if (services_.persistence.make_digests(order, true)) {
    auto const until = std::chrono::steady_clock::now() + kBeginWait;
    while (moment->load(std::memory_order_acquire) == Moment::kWaiting && std::chrono::steady_clock::now() < until && !stopping()) {
      std::this_thread::sleep_for(kBeginPause);
    }
    // What comes later is not of this place of the stream.
    begun = !leave_waiting(Moment::kMissed);
  }
  if (begun) return;
  services_.logger.notice("Replica proof: not possible while another snapshot is under way");
  report.state = ProofReport::kBusy;
  tell(std::move(report));
}

}  // namespace holdfast::replication
