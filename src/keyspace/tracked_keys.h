#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace holdfast {

/// Which connections have read which keys of one partition, and want to be told of a change (CLIENT TRACKING). By the name
/// of the key alone, whatever the database, as in Redis. Guarded by the partition's lock.
///
/// A connection that has gone leaves its id behind; who tells it of a change finds that out.
class TrackedKeys {
 public:
  bool empty() const { return keys_.empty(); }
  /// What was added: one key or none, one connection of a key or none.
  struct Added {
    int keys = 0;
    int items = 0;
  };
  Added remember(std::string_view key, uint64_t client);
  /// The connections that have read the key, which is forgotten.
  std::vector<uint64_t> take(std::string_view key);
  /// Some key with its connections; it is forgotten.
  std::optional<std::pair<std::string, std::vector<uint64_t>>> take_any();
  void clear() { keys_.clear(); }

 private:
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  std::unordered_map<std::string, std::vector<uint64_t>, KeyHash, std::equal_to<>> keys_;
};

}  // namespace holdfast
