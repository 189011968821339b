#pragma once

#include <cstdint>

namespace holdfast {

/// Where a SCAN is: a partition and a position in its table (a 48-bit hash prefix). As a number: 15 bits of partition
/// above 48 bits of position, so it is never negative. 0 is the beginning, and as an answer the end.
struct ScanCursor {
  static constexpr int kPositionBits = 48;

  uint32_t partition = 0;
  uint64_t position = 0;

  static ScanCursor from_number(uint64_t number) {
    return {static_cast<uint32_t>(number >> kPositionBits), number & ((uint64_t{1} << kPositionBits) - 1)};
  }
  uint64_t number() const { return uint64_t{partition} << kPositionBits | position; }
};

}  // namespace holdfast
