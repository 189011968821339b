// What is kept in the bytes of a value: packed lists, int sets, HyperLogLog, bitmaps, points; one thread.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "structures/bit_ops.h"
#include "structures/geo_area.h"
#include "structures/geo_hash.h"
#include "structures/hyperloglog.h"
#include "structures/int_set.h"
#include "structures/packed_list.h"

namespace holdfast {
namespace {

std::string packed_texts(int64_t count) {
  PackedListBuilder list;
  for (int64_t i = 0; i < count; i++) list.append("field:" + std::to_string(i));
  return list.finish();
}
/// The last one: all are looked at.
void packed_list_find(benchmark::State& state) {
  std::string const bytes = packed_texts(state.range(0));
  std::string const last = "field:" + std::to_string(state.range(0) - 1);
  for (auto _ : state) benchmark::DoNotOptimize(PackedListView(bytes).find(last));
}
void packed_list_append(benchmark::State& state) {
  std::string const bytes = packed_texts(state.range(0));
  packed::Element const element[] = {packed::Element::of("one more")};
  for (auto _ : state) {
    std::string copy = bytes;
    apply_edit(copy, PackedEdit::append(PackedListView(copy), element));
    benchmark::DoNotOptimize(copy.data());
  }
}
void packed_list_validate(benchmark::State& state) {
  std::string const bytes = packed_texts(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(PackedListView::validate(bytes, true));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}

void int_set_contains(benchmark::State& state) {
  IntSetBuilder set;
  for (int64_t i = 0; i < state.range(0); i++) set.add(i * 3);
  std::string const bytes = set.finish();
  Random random(1);
  auto const values = static_cast<uint64_t>(state.range(0)) * 3;
  for (auto _ : state) benchmark::DoNotOptimize(IntSetView(bytes).contains(static_cast<int64_t>(random.below(values))));
}

/// Argument: elements that are in it, 100 as runs, 100,000 as registers.
std::string hyperloglog(int64_t elements) {
  std::string bytes = hll_empty();
  for (int64_t i = 0; i < elements; i++) benchmark::DoNotOptimize(hll_add(bytes, std::to_string(i), kHllSparseBytesMaxDefault));
  return bytes;
}
void hyperloglog_add(benchmark::State& state) {
  std::string bytes = hyperloglog(state.range(0));
  std::string element = "element 00000000";
  Random random(1);
  for (auto _ : state) {
    // Elements that are there: a sparse one stays as small as it is.
    element = std::to_string(random.below(static_cast<uint64_t>(state.range(0))));
    benchmark::DoNotOptimize(hll_add(bytes, element, kHllSparseBytesMaxDefault));
  }
}
void hyperloglog_count(benchmark::State& state) {
  std::string const bytes = hyperloglog(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(hll_count(bytes));
}

std::string random_bytes(int64_t size) {
  Random random(1);
  std::string bytes(static_cast<size_t>(size), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}
void bits_count(benchmark::State& state) {
  std::string const bytes = random_bytes(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(count_bits(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void bits_and(benchmark::State& state) {
  std::string const bytes = random_bytes(state.range(0));
  std::array<std::string_view, 3> const sources = {bytes, bytes, bytes};
  std::string out(bytes.size(), '\0');
  for (auto _ : state) {
    combine_bits(BitOperation::kAnd, sources, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

GeoPoint random_point(Random& random) { return {random.unit() * 360 - 180, random.unit() * 170 - 85}; }
void geo_encode_and_decode(benchmark::State& state) {
  Random random(1);
  for (auto _ : state) benchmark::DoNotOptimize(geo_decode(geo_encode(random_point(random))));
}
void geo_ranges_of_a_circle(benchmark::State& state) {
  Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(geo_search_ranges(GeoArea::circle(random_point(random), static_cast<double>(state.range(0)))));
  }
}

BENCHMARK(packed_list_find)->Arg(16)->Arg(128);
BENCHMARK(packed_list_append)->Arg(16)->Arg(128);
BENCHMARK(packed_list_validate)->Arg(16)->Arg(128);
BENCHMARK(int_set_contains)->Arg(16)->Arg(512);
BENCHMARK(hyperloglog_add)->Arg(100)->Arg(100'000);
BENCHMARK(hyperloglog_count)->Arg(100)->Arg(100'000);
BENCHMARK(bits_count)->Arg(1024)->Arg(1 << 20);
BENCHMARK(bits_and)->Arg(1024)->Arg(1 << 20);
BENCHMARK(geo_encode_and_decode);
BENCHMARK(geo_ranges_of_a_circle)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace holdfast
