#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "structures/hash_directory.h"

namespace holdfast {

/// The policy of HashDirectory for the entries of a ScoreIndex: the upper 32 bits of the hash and the score, 12 bytes.
struct ScoreIndexEntries {
  static constexpr int kHashBits = 32;
  static constexpr size_t kBytes = sizeof(uint32_t) + sizeof(double);

  static size_t bytes(char const*) { return kBytes; }
  static uint64_t hash(char const* entry) { return uint64_t{hash_bits(entry)} << 32; }
  static void retain(char const*) {}
  static void release(char const*) {}

  static uint32_t hash_bits(char const* entry) {
    uint32_t bits;
    std::memcpy(&bits, entry, sizeof bits);
    return bits;
  }
  static double score(char const* entry) {
    double score;
    std::memcpy(&score, entry + sizeof(uint32_t), sizeof score);
    return score;
  }
  static void write(char* entry, uint32_t bits, double score) {
    std::memcpy(entry, &bits, sizeof bits);
    std::memcpy(entry + sizeof bits, &score, sizeof score);
  }
};

// The index of a big sorted set: hash of a member -> its score. The member itself is not here: it stands in the ordered
// tree, where (score, member) finds it. A lookup gives candidates, which the caller confirms in the tree; false ones
// are those whose hashes agree in 32 bits (of N members, N / 2^32 a lookup).
//
// Cost: 14 bytes per member. Structure and thread rule: hash_directory.h. The hash must be 64 uniform bits
// (base/hash.h). Scores are compared by value: -0.0 is 0.0 (the one that was put is kept); NaN never occurs.
class ScoreIndex {
 public:
  ScoreIndex() = default;
  ScoreIndex(ScoreIndex&&) noexcept = default;
  ScoreIndex& operator=(ScoreIndex&&) noexcept = default;

  /// A handle on the present content, for ever. O(1).
  ScoreIndex freeze() const {
    ScoreIndex frozen;
    frozen.directory_ = directory_.freeze();
    return frozen;
  }
  size_t size() const { return directory_.size(); }
  bool empty() const { return size() == 0; }
  /// Exact bytes of all that is reachable from here, the handle itself not included.
  size_t memory_bytes() const { return directory_.memory_bytes(); }

  /// Calls `visit(double score) -> bool stop` for the scores that may be those of the member with this hash. True when
  /// it was stopped.
  template <class Visit>
  bool for_each_candidate(uint64_t hash, Visit&& visit) const {
    HashChunk const* chunk = directory_.leaf(hash);
    if (!chunk) return false;
    size_t const group = chunk->group_of(hash);
    auto const bits = static_cast<uint32_t>(hash >> 32);
    char const* end = chunk->group_end(group);
    for (char const* entry = chunk->group_begin(group); entry < end; entry += Entries::kBytes) {
      if (Entries::hash_bits(entry) == bits && visit(Entries::score(entry))) return true;
    }
    return false;
  }

  /// One step of a scan: `visit(double score)` for the entries whose hashes begin with what `position` (48 bits) and its
  /// neighbours share. Returns the position behind them, 0 after the last.
  template <class Visit>
  uint64_t scan(uint64_t position, Visit&& visit) const {
    return directory_.scan(position, [&](char const* entry) { visit(Entries::score(entry)); });
  }

  void insert(uint64_t hash, double score);
  /// Takes out one entry with this hash and score. False when there is none.
  bool erase(uint64_t hash, double score);
  /// Gives one entry with this hash and `old_score` another score, in place. False when there is none.
  bool update(uint64_t hash, double old_score, double new_score);

  /// As HashDirectory::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t hash) { return directory_.relocate(mover, hash); }

  /// Asks the processor for what lookups of these members will read.
  void prefetch(std::span<std::string_view const> members, KeyHasher const& hasher) const {
    directory_.prefetch(members, hasher);
  }

 private:
  using Entries = ScoreIndexEntries;

  /// Where the entry is in its chunk; -1 when there is none.
  ptrdiff_t offset_of(uint64_t hash, double score) const;

  HashDirectory<Entries> directory_{Entries{}};
};

}  // namespace holdfast
