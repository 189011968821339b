// The bodies of big collections, one thread: lists, sorted sets, streams, pending lists. Random access unless the name says
// otherwise. Bytes per element are reported as the counter `bytes`.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "base/random.h"
#include "made_text.h"
#include "structures/block_list.h"
#include "structures/id_tree.h"
#include "structures/sorted_set.h"
#include "structures/stream_entries.h"

namespace holdfast {
namespace {

constexpr StreamNodeLimits kNodeLimits{.bytes = 4096, .entries = 100};
constexpr uint64_t kPage = 10;

// ---- lists ----

BlockList filled_list(int64_t elements) {
  BlockList list;
  for (int64_t i = 0; i < elements; i++) list.push_back(Text(static_cast<uint64_t>(i)).view());
  return list;
}
void list_push_and_pop(benchmark::State& state) {
  BlockList list = filled_list(state.range(0));
  for (auto _ : state) {
    list.push_back("0123456789");
    list.pop_front();
  }
  report_bytes(state, list);
}
void list_at(benchmark::State& state) {
  BlockList const list = filled_list(state.range(0));
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(list.at(random.below(list.size())));
}
void list_insert(benchmark::State& state) {
  BlockList list = filled_list(state.range(0));
  Random random(1);
  for (auto _ : state) {
    list.insert(random.below(list.size()), "0123456789");
    list.erase(random.below(list.size()));
  }
}

// ---- sorted sets ----

SortedSet filled_sorted_set(int64_t members) {
  SortedSet set(hasher());
  Random random(1);
  for (int64_t i = 0; i < members; i++) set.put(Text(static_cast<uint64_t>(i)).view(), random.unit());
  return set;
}
void sorted_set_move(benchmark::State& state) {
  SortedSet set = filled_sorted_set(state.range(0));
  Random random(2);
  for (auto _ : state) set.put(Text(random.below(set.size())).view(), random.unit());
  report_bytes(state, set);
}
void sorted_set_score(benchmark::State& state) {
  SortedSet const set = filled_sorted_set(state.range(0));
  Random random(2);
  for (auto _ : state) benchmark::DoNotOptimize(set.score(Text(random.below(set.size())).view()));
}
void sorted_set_rank(benchmark::State& state) {
  SortedSet const set = filled_sorted_set(state.range(0));
  Random random(2);
  for (auto _ : state) benchmark::DoNotOptimize(set.rank(Text(random.below(set.size())).view()));
}

// ---- streams ----

void add_entry(StreamEntries& entries, uint64_t ms) {
  Text const text(ms);
  std::array<std::string_view, 4> const pairs = {"temperature", text.view(), "place", "garden"};
  entries.append({ms, 0}, pairs, kNodeLimits);
}
StreamEntries filled_stream(int64_t count) {
  StreamEntries entries;
  for (int64_t i = 1; i <= count; i++) add_entry(entries, static_cast<uint64_t>(i));
  return entries;
}
template <class Cursor>
void read_page(Cursor at) {
  for (uint64_t left = kPage; at && left > 0; left--, at.next()) benchmark::DoNotOptimize(at.entry().id());
}
void stream_append(benchmark::State& state) {
  StreamEntries entries = filled_stream(state.range(0));
  uint64_t ms = entries.last_id().ms;
  for (auto _ : state) {
    add_entry(entries, ++ms);
    entries.erase_front(1);
  }
  report_bytes(state, entries);
}
void stream_page_forward(benchmark::State& state) {
  StreamEntries const entries = filled_stream(state.range(0));
  Random random(1);
  for (auto _ : state) read_page(entries.lower_bound({random.below(entries.size()), 0}));
}
void stream_page_backward(benchmark::State& state) {
  StreamEntries const entries = filled_stream(state.range(0));
  Random random(1);
  for (auto _ : state) read_page(StreamEntries::Backward(entries, {random.below(entries.size()), 0}));
}
void stream_last_entry(benchmark::State& state) {
  StreamEntries const entries = filled_stream(state.range(0));
  for (auto _ : state) {
    StreamEntries::Backward const last(entries, StreamId::max());
    benchmark::DoNotOptimize(last.entry().id());
  }
}

// ---- pending lists ----

void pending_add_and_acknowledge(benchmark::State& state) {
  IdTree<uint64_t> pending;
  uint64_t ms = 0;
  for (int64_t i = 0; i < state.range(0); i++) pending.insert({++ms, 0}, ms);
  for (auto _ : state) {
    pending.insert({++ms, 0}, ms);
    pending.erase({ms - static_cast<uint64_t>(state.range(0)), 0});
  }
  report_bytes(state, pending);
}
void pending_find(benchmark::State& state) {
  IdTree<uint64_t> pending;
  auto const entries = static_cast<uint64_t>(state.range(0));
  for (uint64_t ms = 0; ms < entries; ms++) pending.insert({ms, 0}, ms);
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(pending.find({random.below(entries), 0}));
}

constexpr int64_t kSmall = 10'000;
constexpr int64_t kLarge = 1'000'000;
BENCHMARK(list_push_and_pop)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(list_at)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(list_insert)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(sorted_set_move)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(sorted_set_score)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(sorted_set_rank)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(stream_append)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(stream_page_forward)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(stream_page_backward)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(stream_last_entry)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(pending_add_and_acknowledge)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(pending_find)->Arg(kSmall)->Arg(kLarge);

}  // namespace
}  // namespace holdfast
