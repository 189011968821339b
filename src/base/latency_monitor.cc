#include "base/latency_monitor.h"

#include <algorithm>

namespace holdfast {

std::vector<LatencyMonitor::Sample> LatencyMonitor::Series::in_order() const {
  std::vector<Sample> samples;
  samples.reserve(size);
  size_t const first = size < kSamplesMax ? 0 : next;
  for (size_t i = 0; i < size; i++) samples.push_back(ring[(first + i) % kSamplesMax]);
  return samples;
}

void LatencyMonitor::add(std::string_view event, int64_t ms) {
  int64_t const now_s = clock_.unix_us() / 1'000'000;
  MutexLock lock(mutex_);
  auto found = series_.find(event);
  if (found == series_.end()) found = series_.emplace(std::string(event), Series{}).first;
  Series& series = found->second;
  series.longest_ms = std::max(series.longest_ms, ms);
  if (series.size > 0) {
    Sample& last = series.ring[(series.next + kSamplesMax - 1) % kSamplesMax];
    if (last.unix_s == now_s) {
      last.ms = std::max(last.ms, ms);
      return;
    }
  }
  series.ring[series.next] = {now_s, ms};
  series.next = (series.next + 1) % kSamplesMax;
  series.size = std::min(series.size + 1, kSamplesMax);
}

std::vector<LatencyMonitor::Event> LatencyMonitor::events() const {
  std::vector<Event> events;
  MutexLock lock(mutex_);
  for (auto const& [name, series] : series_) events.push_back({name, series.in_order(), series.longest_ms});
  return events;
}

LatencyMonitor::Event LatencyMonitor::event(std::string_view name) const {
  MutexLock lock(mutex_);
  auto const found = series_.find(name);
  if (found == series_.end()) return {.name = std::string(name)};
  return {std::string(name), found->second.in_order(), found->second.longest_ms};
}

size_t LatencyMonitor::reset(std::span<std::string_view const> names) {
  MutexLock lock(mutex_);
  if (names.empty()) {
    size_t const count = series_.size();
    series_.clear();
    return count;
  }
  size_t count = 0;
  for (std::string_view name : names) {
    auto const found = series_.find(name);
    if (found == series_.end()) continue;
    series_.erase(found);
    count++;
  }
  return count;
}

}  // namespace holdfast
