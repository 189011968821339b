#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace holdfast {

// What the micro benchmarks of big collections share.

/// Ten decimal digits that `index` stands for. Made, not looked up: the benchmark must not add cache misses.
struct Text {
  std::array<char, 10> digits;
  explicit Text(uint64_t index) {
    uint64_t number = index * 2'654'435'761 % 10'000'000'000;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, number /= 10)
      *digit = static_cast<char>('0' + number % 10);
  }
  std::string_view view() const { return {digits.data(), digits.size()}; }
};

inline KeyHasher const& hasher() {
  static KeyHasher const instance(1);
  return instance;
}

/// Bytes per element, as the counter `bytes`.
template <class Collection>
void report_bytes(benchmark::State& state, Collection const& collection) {
  state.counters["bytes"] = static_cast<double>(collection.memory_bytes()) / static_cast<double>(collection.size());
}

}  // namespace holdfast
