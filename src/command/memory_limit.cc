#include "command/memory_limit.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/latency_monitor.h"
#include "command/worker_context.h"
#include "keyspace/eviction_cycle.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

constexpr auto kOrder = std::memory_order_relaxed;

/// What all partitions together keep to themselves is at most this part of maxmemory.
constexpr uint64_t kUnreportedPart = 64;
constexpr uint64_t kReportStepMin = 64;
constexpr uint64_t kReportStepMax = 4096;
/// Steps between two looks at the time.
constexpr int kStepsTimed = 8;
/// Steps without a key before the rest is left to later: all there is may be locked.
constexpr int kIdleStepsMax = 256;

}  // namespace

void MemoryLimit::configure(Keyspace& keyspace, Settings const& settings) {
  tenacity_.store(settings.tenacity, kOrder);
  int64_t step = Keyspace::kReportsNothing;
  if (settings.bytes != 0) {
    uint64_t const share = settings.bytes / kUnreportedPart / keyspace.partition_count();
    step = static_cast<int64_t>(std::clamp(share, kReportStepMin, kReportStepMax));
  }
  keyspace.memory_report_step.store(step, kOrder);
  bytes_.store(settings.bytes, kOrder);
  if (settings.bytes == 0) note(Room::kEnough);
}

int64_t MemoryLimit::used(Keyspace const& keyspace) const { return base_.load(kOrder) + keyspace.memory_changes(); }

void MemoryLimit::correct(Keyspace& keyspace, MemoryFigures const& figures) {
  keyspace.begin_memory_epoch();
  base_.store(static_cast<int64_t>(figures.counted()) - keyspace.memory_changes(), kOrder);
}

int64_t MemoryLimit::time_limit_us() const {
  constexpr int64_t kTenacityMax = 100;
  constexpr int64_t kLinearMax = 10;
  constexpr double kLinearUs = 50;
  constexpr double kGrowth = 1.15;
  int64_t const tenacity = tenacity_.load(kOrder);
  if (tenacity >= kTenacityMax) return kAsConfigured;
  if (tenacity <= kLinearMax) return static_cast<int64_t>(kLinearUs) * tenacity;
  return static_cast<int64_t>(kLinearUs * kLinearMax * std::pow(kGrowth, static_cast<double>(tenacity - kLinearMax)));
}

MemoryLimit::Room MemoryLimit::make_room(Keyspace& keyspace, WorkerContext& worker, LatencyMonitor& latency,
                                         int64_t budget_us) {
  // Nothing is evicted while it is loaded or paused; nor is anything refused.
  Room room = Room::kEnough;
  bool const may_evict = !keyspace.expiry_held() && !keyspace.stays_unchanged(worker.now_ms);
  if (exceeded(keyspace) && may_evict) [[unlikely]] room = evict(keyspace, worker, latency, budget_us);
  note(room);
  return room;
}

MemoryLimit::Room MemoryLimit::evict(Keyspace& keyspace, WorkerContext& worker, LatencyMonitor& latency, int64_t budget_us) {
  if (keyspace.eviction().policy.load(kOrder) == config::MaxmemoryPolicy::kNoEviction) return Room::kNone;
  if (!worker.eviction) worker.eviction = std::make_unique<EvictionCycle>(keyspace);
  LatencyTimer const timer(&latency, "eviction-cycle");
  int64_t const budget = std::min(budget_us, time_limit_us());
  int64_t const start_us = now_us();
  int idle = 0;
  for (int steps = 1; exceeded(keyspace); steps++) {
    EvictionCycle::Step step;
    {
      LatencyTimer const deletion(&latency, "eviction-del");
      step = worker.eviction->evict_one(worker.scratch, worker.now_ms);
    }
    if (step == EvictionCycle::Step::kNothing) return exceeded(keyspace) ? Room::kNone : Room::kEnough;
    idle = step == EvictionCycle::Step::kLater ? idle + 1 : 0;
    if (idle >= kIdleStepsMax) return Room::kGoesOn;
    if (steps % kStepsTimed == 0 && now_us() - start_us > budget) return exceeded(keyspace) ? Room::kGoesOn : Room::kEnough;
  }
  return Room::kEnough;
}

void MemoryLimit::note(Room room) {
  if (refuses_.load(kOrder) != (room == Room::kNone)) refuses_.store(room == Room::kNone, kOrder);
  if (room == Room::kEnough) {
    if (exceeded_since_us_.load(kOrder) == 0) return;
    int64_t const since = exceeded_since_us_.exchange(0, kOrder);
    if (since != 0) exceeded_us_.fetch_add(static_cast<uint64_t>(now_us() - since), kOrder);
  } else {
    int64_t none = 0;
    if (exceeded_since_us_.load(kOrder) == 0) exceeded_since_us_.compare_exchange_strong(none, now_us(), kOrder);
  }
}

void MemoryLimit::ask_for_help() {
  if (help_wanted_.load(kOrder) || help_wanted_.exchange(true, kOrder)) return;
  if (wake) wake();
}

uint64_t MemoryLimit::exceeded_now_us() const {
  int64_t const since = exceeded_since_us_.load(kOrder);
  return since == 0 ? 0 : static_cast<uint64_t>(std::max<int64_t>(0, now_us() - since));
}

uint64_t MemoryLimit::exceeded_us() const { return exceeded_us_.load(kOrder) + exceeded_now_us(); }

void MemoryLimit::reset_statistics() { exceeded_us_.store(0, kOrder); }

}  // namespace holdfast
