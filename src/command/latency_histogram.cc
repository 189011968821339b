#include "command/latency_histogram.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast {

Counter* LatencyHistogram::make(size_t octave) {
  auto* counts = new Counter[kSlotsPerOctave];
  octaves_[octave].store(counts, std::memory_order_release);
  return counts;
}

void LatencyHistogram::reset() {
  for (auto const& each : octaves_) {
    Counter* octave = each.load(std::memory_order_acquire);
    for (size_t i = 0; octave && i < kSlotsPerOctave; i++) octave[i].set(0);
  }
}

void LatencyHistogram::add_to(std::vector<uint64_t>& slots) const {
  DCHECK(slots.size() == kSlots);
  for (size_t i = 0; i < kOctaves; i++) {
    Counter const* octave = octaves_[i].load(std::memory_order_acquire);
    for (size_t j = 0; octave && j < kSlotsPerOctave; j++) slots[i * kSlotsPerOctave + j] += octave[j].get();
  }
}

LatencyDistribution::LatencyDistribution(std::vector<uint64_t> slots) : slots_(std::move(slots)) {
  for (uint64_t count : slots_) calls_ += count;
}

uint64_t LatencyDistribution::percentile(double percent) const {
  if (calls_ == 0) return 0;
  auto const wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::min(percent, 100.0) / 100 * static_cast<double>(calls_) + 0.5));
  uint64_t sum = 0;
  size_t slot = 0;
  while (slot + 1 < slots_.size() && (sum += slots_[slot]) < wanted) slot++;
  return percent == 0 ? LatencyHistogram::lowest_of(slot) : LatencyHistogram::highest_of(slot);
}

std::vector<LatencyDistribution::Step> LatencyDistribution::cumulative() const {
  constexpr uint64_t kFirstBound = 1024;  // ns
  constexpr int kBounds = 20;
  std::vector<Step> steps;
  uint64_t sum = 0;
  uint64_t shown = 0;
  size_t slot = 0;
  for (int i = 0; i < kBounds; i++) {
    size_t const last = LatencyHistogram::slot_of(kFirstBound << i);
    for (; slot <= last; slot++) sum += slots_[slot];
    if (sum != shown) steps.push_back({LatencyHistogram::highest_of(last) / 1000, sum});
    shown = sum;
  }
  if (shown != calls_) steps.push_back({(kFirstBound << kBounds) / 1000, calls_});
  return steps;
}

uint64_t LatencyDistribution::calls_within(uint64_t nanoseconds) const {
  uint64_t calls = 0;
  size_t const last = LatencyHistogram::slot_of(nanoseconds);
  for (size_t slot = 0; slot <= last; slot++) calls += slots_[slot];
  return calls;
}

double LatencyDistribution::total_seconds() const {
  double nanoseconds = 0;
  for (size_t slot = 0; slot < slots_.size(); slot++) {
    auto const bounds = static_cast<double>(LatencyHistogram::lowest_of(slot) + LatencyHistogram::highest_of(slot));
    nanoseconds += static_cast<double>(slots_[slot]) * bounds / 2;
  }
  return nanoseconds / 1e9;
}

}  // namespace holdfast
