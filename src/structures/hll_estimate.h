#pragma once

#include <array>
#include <cstdint>

namespace holdfast {

/// How many of the 16384 registers hold each value. A register has 6 bits: damaged ones may hold more than 51.
using HllHistogram = std::array<uint32_t, 64>;

/// The improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
/// algorithm 6, with q = 50: no bias table and no switch between ranges. Registers that no set of elements can produce
/// make the estimate infinite; that is returned as 2^63, as in Redis.
uint64_t estimate_cardinality(HllHistogram const& histogram);

}  // namespace holdfast
