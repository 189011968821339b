#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// The keys of one partition that are used most, of a sample of the commands (space-saving, A. Metwally et al. 2005): a key that
/// is not counted yet takes the place of the one with the lowest count, and inherits that count as its possible error. Counts
/// are halved every kHalfLifeMs, so that it tells of the last minute or so.
///
/// Guarded by the lock of its partition.
class HotKeys {
 public:
  static constexpr size_t kKeysMax = 16;
  static constexpr int64_t kHalfLifeMs = 10'000;
  /// One command of so many is in the sample, on the average.
  static constexpr uint32_t kSampledOneOf = 64;

  struct Key {
    int db = 0;
    std::string name;
    uint32_t count = 0;  ///< of the sample
    uint32_t error = 0;  ///< so much of it may be of others
  };

  void sample(int db, uint64_t hash, std::string_view name, int64_t now_ms);
  /// With the counts of this moment, in no order.
  std::vector<Key> keys(int64_t now_ms);
  /// How often a key of this count is used in a second, about.
  double per_second(uint32_t count, int64_t now_ms) const;
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    uint64_t hash;
    Key key;
  };
  void decay(int64_t now_ms);

  std::vector<Entry> entries_;
  int64_t began_ms_ = 0;    ///< of the counting; 0: not yet
  int64_t period_ms_ = 0;   ///< when the counts were halved last
};

}  // namespace holdfast
