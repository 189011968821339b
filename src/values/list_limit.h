#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace holdfast {

/// How much a list may hold while it is called a listpack, and what a node of a file holds: `list-max-listpack-size`.
struct ListLimit {
  size_t bytes;    ///< of the packed list, header included
  uint64_t count;  ///< elements

  /// -1 ... -5 stand for 4 ... 64 KiB; other numbers are elements, and 8 KiB.
  static ListLimit of(int64_t directive) {
    if (directive < 0) return {size_t{2048} << std::min<int64_t>(-std::max<int64_t>(directive, -5), 5), UINT64_MAX};
    return {8192, directive == 0 ? 1 : static_cast<uint64_t>(directive)};
  }
  bool holds(size_t list_bytes, uint64_t elements) const { return list_bytes <= bytes && elements <= count; }
  /// Down to where a quicklist must shrink to be a listpack again.
  ListLimit half() const { return {bytes / 2, count == UINT64_MAX ? count : count / 2}; }
};

}  // namespace holdfast
