#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace holdfast {

/// Name of an entry of a stream: Unix ms and a number within the ms. No entry has 0-0.
struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  auto operator<=>(StreamId const&) const = default;

  static constexpr StreamId min() { return {0, 0}; }
  static constexpr StreamId max() { return {UINT64_MAX, UINT64_MAX}; }

  /// The id that follows / comes before; nothing at the ends.
  constexpr std::optional<StreamId> next() const {
    if (seq != UINT64_MAX) return StreamId{ms, seq + 1};
    if (ms != UINT64_MAX) return StreamId{ms + 1, 0};
    return std::nullopt;
  }
  constexpr std::optional<StreamId> previous() const {
    if (seq != 0) return StreamId{ms, seq - 1};
    if (ms != 0) return StreamId{ms - 1, UINT64_MAX};
    return std::nullopt;
  }
};

}  // namespace holdfast
