#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace holdfast {

/// The three kinds of names that a connection may listen to.
enum class Topic : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr size_t kTopicCount = 3;

/// The names one connection listens to. Belongs to its session.
class Subscriptions {
 public:
  /// False: it listens already.
  bool add(Topic topic, std::string_view name);
  /// False: it does not listen.
  bool remove(Topic topic, std::string_view name);
  bool contains(Topic topic, std::string_view name) const { return of(topic).contains(name); }
  size_t size(Topic topic) const { return of(topic).size(); }
  bool empty() const;
  /// In the order in which they were added.
  std::vector<std::string> names(Topic topic) const;
  /// Of all names together.
  size_t bytes() const { return bytes_; }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  /// Each name with the number of its addition.
  using Names = std::unordered_map<std::string, uint64_t, TextHash, std::equal_to<>>;
  Names const& of(Topic topic) const { return names_[static_cast<size_t>(topic)]; }
  Names& of(Topic topic) { return names_[static_cast<size_t>(topic)]; }

  std::array<Names, kTopicCount> names_;
  uint64_t added_ = 0;
  size_t bytes_ = 0;
};

}  // namespace holdfast
