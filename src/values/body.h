#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "memory/block_mover.h"
#include "memory/lazy_free.h"

namespace holdfast {

class CopyBudget;

/// A collection that is too big for its record: a handle to a tree of chunks (docs/values.md). Guarded by the lock of its
/// key's partition. A frozen one may be read and destroyed on any thread while the one it came from changes.
class Body : public Garbage {
 public:
  /// Exact bytes of everything reachable from here.
  virtual size_t memory_bytes() const = 0;
  /// Another handle to the present content, in O(1): both sides copy a chunk before they change it.
  virtual std::unique_ptr<Body> freeze() = 0;
  /// The same for who only writes the content somewhere, element by element: without what only finds elements.
  ///
  /// With a budget it is for one TypeOps::write_rdb or write_commands, after which it is empty: these let go of what is written,
  /// and begin with what writers have copied, which counts there (structures/touched_places.h). The budget outlives it.
  virtual std::unique_ptr<Body> freeze_for_save([[maybe_unused]] CopyBudget* budget) { return freeze(); }

  /// Asks the processor for what lookups of these elements will read; a few at a time, so that all of it stays in the cache.
  virtual void prefetch(std::span<std::string_view const>) const {}

  /// Moves blocks, from where the mover stands until it is spent. Content, sizes and whatever lasts between two transactions
  /// (scan positions, ranks, ids) stay as they are.
  virtual void relocate(BlockMover& mover) = 0;

  /// "No element expires".
  static constexpr int64_t kNoExpiry = std::numeric_limits<int64_t>::max();
  /// Elements that have an expiry of their own: fields of hashes.
  virtual size_t expiring_elements() const { return 0; }
  /// No element expires before this moment (Unix ms, a lower bound); kNoExpiry exactly when none has an expiry.
  virtual int64_t next_expiry_ms() const { return kNoExpiry; }
};

}  // namespace holdfast
