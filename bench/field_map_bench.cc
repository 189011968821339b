// Big hashes and sets and the member index of sorted sets, one thread, random keys of 10 bytes. Bytes per entry are
// reported as the counter `bytes`.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string_view>

#include "base/random.h"
#include "made_text.h"
#include "structures/field_map.h"
#include "structures/score_index.h"

namespace holdfast {
namespace {

FieldMap filled_map(uint64_t fields) {
  FieldMap map(hasher());
  for (uint64_t i = 0; i < fields; i++) map.put(Text(i).view(), Text(i).view());
  return map;
}

void map_insert(benchmark::State& state) {
  auto const fields = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    FieldMap map = filled_map(fields);
    benchmark::DoNotOptimize(map.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
void map_update(benchmark::State& state) {
  auto const fields = static_cast<uint64_t>(state.range(0));
  FieldMap map = filled_map(fields);
  Random random(1);
  for (auto _ : state) {
    Text const key(random.next() % fields);
    map.put(key.view(), key.view());
  }
  report_bytes(state, map);
}
void map_find(benchmark::State& state) {
  auto const fields = static_cast<uint64_t>(state.range(0));
  FieldMap const map = filled_map(fields);
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(map.find(Text(random.next() % fields).view()));
}
void map_random(benchmark::State& state) {
  FieldMap const map = filled_map(static_cast<uint64_t>(state.range(0)));
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(map.random([&] { return random.next(); }));
}
void set_contains(benchmark::State& state) {
  auto const members = static_cast<uint64_t>(state.range(0));
  FieldSet set(hasher());
  for (uint64_t i = 0; i < members; i++) set.add(Text(i).view());
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(set.contains(Text(random.next() % members).view()));
  report_bytes(state, set);
}
void index_lookup(benchmark::State& state) {
  auto const members = static_cast<uint64_t>(state.range(0));
  ScoreIndex index;
  for (uint64_t i = 0; i < members; i++) index.insert(hasher()(Text(i).view()), 1);
  Random random(1);
  for (auto _ : state) {
    uint64_t const hash = hasher()(Text(random.next() % members).view());
    benchmark::DoNotOptimize(index.for_each_candidate(hash, [](double) { return true; }));
  }
  report_bytes(state, index);
}

BENCHMARK(map_insert)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(map_update)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(map_find)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(map_random)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(set_contains)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(index_lookup)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace holdfast
