#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keyspace/txn.h"

namespace holdfast {

/// What BY and GET of SORT name: for each element a string or a field of a hash, whose key is the pattern with the element
/// in the place of its `*`. `pre*post` is a string, `pre*post->field` a field, `#` the element itself.
class SortPattern {
 public:
  /// `text` must outlive the pattern.
  explicit SortPattern(std::string_view text);

  /// Whether it depends on the element.
  bool names_keys() const { return names_keys_; }

  /// What it stands for; nothing when there is no such key or field, or the pattern names none. Precondition: all partitions
  /// are locked if it names keys.
  std::optional<std::string> find(Txn& txn, std::string_view element) const;

 private:
  bool names_keys_ = false;
  bool is_element_ = false;
  std::string_view before_;
  std::string_view behind_;
  std::string_view field_;  // empty: a string
};

}  // namespace holdfast
