#pragma once

#include <cstdint>

namespace holdfast {

/// Where the defragmentation of a key table goes on. Holds no pointer: whatever happens to the table between two steps, going
/// on here does no harm, at worst something is passed twice or not at all.
struct DefragPlace {
  uint64_t position = 0;  ///< 48-bit hash prefix of the segment
  uint32_t bucket = 0;    ///< in the segment
  int slot = 0;           ///< in the bucket
  bool in_body = false;   ///< in the middle of the value of a key with `hash`
  uint64_t hash = 0;
  uint64_t body_part = 0;
  uint64_t body_position = 0;

  bool at_start() const { return position == 0 && bucket == 0 && slot == 0 && !in_body; }
};

/// What one step may do, and what it has done.
struct DefragStep {
  int64_t deadline_us;          ///< monotonic; what was begun is finished
  uint64_t elements_max;        ///< of one value (active-defrag-max-scan-fields)
  bool heap = false;            ///< also what is in the block heap: all of it, since the heap does not say what is sparse
  bool always = false;          ///< move whatever can be moved (tests)

  uint64_t hits = 0;        ///< blocks moved
  uint64_t misses = 0;      ///< blocks that were looked at and stay
  uint64_t key_hits = 0;    ///< keys of which something moved
  uint64_t key_misses = 0;  ///< others

  bool spent() const;
};

}  // namespace holdfast
