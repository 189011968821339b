#include "keyspace/defragmentation.h"

#include <algorithm>

#include "keyspace/keyspace.h"
#include "memory/block_heap.h"

namespace holdfast {
namespace {

constexpr uint32_t kEffortMax = 99;
/// A pass moves what is in the block heap when so much of it are holes: one part of so many.
constexpr uint64_t kHeapHolesShare = 8;
/// After a pass that left holes, a further one begins when there are more holes, or after this time.
constexpr int64_t kRestUs = 60'000'000;
/// The same after a pass that won much: until then all has been given back.
constexpr int64_t kSettleUs = 3'000'000;

uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

FragmentationFigures measure_fragmentation(Keyspace const& keyspace, uint64_t others, uint64_t resident) {
  FragmentationFigures figures;
  TableMemory const& memory = keyspace.table_memory();
  figures.live = keyspace.used_bytes();
  figures.sparse_pages = keyspace.sum(&Partition::sparse_bytes);
  figures.sparse_spans = minus(memory.segments.used_bytes(), memory.segments.block_bytes());
  figures.kept = memory.pages.kept_bytes() + memory.segments.kept_bytes();
  // What the heap has taken may never have been touched; what is resident may be of others. The less of both.
  uint64_t const tables = memory.pages.used_bytes() + memory.segments.used_bytes() + figures.kept;
  uint64_t const heap = std::min<uint64_t>(heap_committed_bytes(), minus(resident, tables));
  figures.heap_holes = minus(heap, keyspace.sum(&Partition::heap_bytes) + others);
  return figures;
}

void Defragmentation::regulate(Settings const& settings, FragmentationFigures const& figures, uint32_t workers,
                               int64_t now_us) {
  scan_fields_max_.store(settings.scan_fields_max, std::memory_order_relaxed);
  bool const pass_over = parts_left_.load(std::memory_order_acquire) <= 0;
  if (forced()) {
    if (effort() == 0) began_us_.store(now_us, std::memory_order_relaxed);
    effort_.store(kEffortMax, std::memory_order_relaxed);
    if (pass_over) begin_pass(figures, workers);
    return;
  }
  if (!settings.on) {
    left_over_ = 0;
    next_try_us_ = 0;
    gives_back_.reset();
    if (effort() != 0) rest(now_us);
    return;
  }
  double const percent = figures.percent();
  bool const over = figures.total() >= settings.ignore_bytes && percent >= settings.threshold_lower;
  if (effort() == 0) {
    if (now_us >= next_try_us_ || !moves_heap()) gives_back_.reset();
    left_over_ = std::min(left_over_, figures.total());
    // What a pass could not win (blocks of other threads, room that is kept for growth) is no reason for the next one.
    bool const more = figures.total() > left_over_ + left_over_ / 4 || now_us >= next_try_us_;
    if (!over || !more) return;
    began_us_.store(now_us, std::memory_order_relaxed);
    begin_pass(figures, workers);
  } else if (pass_over) {
    bool const worth_it = figures.total() + figures.total() / 8 < at_begin_;
    left_over_ = figures.total();
    next_try_us_ = now_us + (worth_it ? kSettleUs : kRestUs);
    if (moves_heap()) purge();  // what one worker has freed of another's is given back by that one
    return rest(now_us);
  }
  double const lower = settings.threshold_lower;
  double const upper = std::max<double>(settings.threshold_upper, lower + 1);
  double const share = std::clamp((percent - lower) / (upper - lower), 0.0, 1.0);
  double const spread = static_cast<double>(settings.cycle_max) - static_cast<double>(settings.cycle_min);
  auto const wanted = static_cast<uint32_t>(std::max(1.0, settings.cycle_min + share * std::max(0.0, spread)));
  effort_.store(std::min(wanted, kEffortMax), std::memory_order_relaxed);
}

void Defragmentation::begin_pass(FragmentationFigures const& figures, uint32_t workers) {
  heap_.store(forced() || figures.heap_holes * kHeapHolesShare > figures.live, std::memory_order_relaxed);
  parts_left_.store(static_cast<int32_t>(workers), std::memory_order_relaxed);
  gives_back_.emplace();
  at_begin_ = figures.total();
  pass_.fetch_add(1, std::memory_order_release);
}

void Defragmentation::rest(int64_t now_us) {
  effort_.store(0, std::memory_order_relaxed);
  total_us_.fetch_add(now_us - began_us_.exchange(-1, std::memory_order_relaxed), std::memory_order_relaxed);
}

void Defragmentation::reset_counts() {
  counts.hits = counts.misses = counts.key_hits = counts.key_misses = 0;
  total_us_ = 0;
}

int64_t Defragmentation::current_us(int64_t now_us) const {
  int64_t const began = began_us_.load(std::memory_order_relaxed);
  return began < 0 ? 0 : std::max<int64_t>(0, now_us - began);
}

int64_t Defragmentation::total_us(int64_t now_us) const {
  return total_us_.load(std::memory_order_relaxed) + current_us(now_us);
}

}  // namespace holdfast
