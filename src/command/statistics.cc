#include "command/statistics.h"

#include <algorithm>
#include <utility>

namespace holdfast {

void WorkerStatistics::count_error(std::string_view code) {
  MutexLock lock(mutex_);
  auto found = errors_.find(code);
  if (found == errors_.end()) found = errors_.emplace(std::string(code), 0).first;
  found->second++;
}

WorkerStatistics& Statistics::add_worker() {
  return *workers_.emplace_back(std::make_unique<WorkerStatistics>(command_count_));
}

uint64_t Statistics::sum(Counter WorkerStatistics::*counter) const {
  uint64_t total = 0;
  for (auto const& worker : workers_) total += (worker.get()->*counter).get();
  return total;
}

Statistics::CommandSum Statistics::command(uint16_t id) const {
  CommandSum sum;
  for (auto const& worker : workers_) {
    CommandStatistics const& command = worker->commands[id];
    sum.calls += command.calls.get();
    sum.nanoseconds += command.nanoseconds.get();
    sum.rejected += command.rejected.get();
    sum.failed += command.failed.get();
  }
  return sum;
}

LatencyDistribution Statistics::latency(uint16_t id) const {
  std::vector<uint64_t> slots(LatencyHistogram::kSlots);
  for (auto const& worker : workers_) worker->commands[id].latency.add_to(slots);
  return LatencyDistribution(std::move(slots));
}

LatencyDistribution Statistics::latency(LatencyHistogram WorkerStatistics::*histogram) const {
  std::vector<uint64_t> slots(LatencyHistogram::kSlots);
  for (auto const& worker : workers_) (worker.get()->*histogram).add_to(slots);
  return LatencyDistribution(std::move(slots));
}

LatencyDistribution Statistics::latency(LatencyHistogram const& histogram) {
  std::vector<uint64_t> slots(LatencyHistogram::kSlots);
  histogram.add_to(slots);
  return LatencyDistribution(std::move(slots));
}

uint64_t Statistics::command_microseconds() const {
  uint64_t nanoseconds = 0;
  for (auto const& worker : workers_) {
    for (CommandStatistics const& command : worker->commands) nanoseconds += command.nanoseconds.get();
  }
  return nanoseconds / 1000;
}

std::map<std::string, uint64_t> Statistics::errors() const {
  std::map<std::string, uint64_t> all;
  for (auto const& worker : workers_) {
    MutexLock lock(worker->mutex_);
    for (auto const& [code, count] : worker->errors_) all[code] += count;
  }
  return all;
}

void Statistics::reset() {
  for (auto const& worker : workers_) {
    for (CommandStatistics& command : worker->commands) {
      command.calls.set(0);
      command.nanoseconds.set(0);
      command.rejected.set(0);
      command.failed.set(0);
      command.latency.reset();
    }
    for (auto counter : {&WorkerStatistics::commands_processed, &WorkerStatistics::connections_received,
                         &WorkerStatistics::connections_rejected, &WorkerStatistics::net_input_bytes,
                         &WorkerStatistics::net_output_bytes, &WorkerStatistics::reads, &WorkerStatistics::writes,
                         &WorkerStatistics::loop_turns, &WorkerStatistics::loop_microseconds}) {
      (worker.get()->*counter).set(0);
    }
    for (auto histogram : {&WorkerStatistics::turns, &WorkerStatistics::lock_waits, &WorkerStatistics::held_waits}) {
      (worker.get()->*histogram).reset();
    }
    MutexLock lock(worker->mutex_);
    worker->errors_.clear();
  }
  MutexLock lock(mutex_);
  last_totals_ = {};
  samples_ = {};
}

void Statistics::sample(int64_t monotonic_us) {
  Rates totals{sum(&WorkerStatistics::commands_processed), sum(&WorkerStatistics::net_input_bytes),
               sum(&WorkerStatistics::net_output_bytes), sum(&WorkerStatistics::loop_turns),
               sum(&WorkerStatistics::loop_microseconds)};
  MutexLock lock(mutex_);
  int64_t elapsed_us = monotonic_us - last_sample_us_;
  if (last_sample_us_ != 0 && elapsed_us > 0) {
    auto per_second = [&](uint64_t now, uint64_t before) {
      return now < before ? 0 : (now - before) * 1'000'000 / static_cast<uint64_t>(elapsed_us);
    };
    // A reset in between makes the totals smaller.
    uint64_t const turns = totals.loop_turns - std::min(totals.loop_turns, last_totals_.loop_turns);
    uint64_t const microseconds =
        totals.loop_microseconds - std::min(totals.loop_microseconds, last_totals_.loop_microseconds);
    samples_[next_sample_++ % kSamples] = {per_second(totals.commands, last_totals_.commands),
                                           per_second(totals.input_bytes, last_totals_.input_bytes),
                                           per_second(totals.output_bytes, last_totals_.output_bytes),
                                           per_second(totals.loop_turns, last_totals_.loop_turns),
                                           turns ? microseconds / turns : 0};
  }
  last_sample_us_ = monotonic_us;
  last_totals_ = totals;
}

Statistics::Rates Statistics::rates() {
  MutexLock lock(mutex_);
  Rates mean;
  for (Rates const& sample : samples_) {
    mean.commands += sample.commands;
    mean.input_bytes += sample.input_bytes;
    mean.output_bytes += sample.output_bytes;
    mean.loop_turns += sample.loop_turns;
    mean.loop_microseconds += sample.loop_microseconds;
  }
  return {mean.commands / kSamples, mean.input_bytes / kSamples, mean.output_bytes / kSamples, mean.loop_turns / kSamples,
          mean.loop_microseconds / kSamples};
}

}  // namespace holdfast
