#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/collation.h"

namespace holdfast {

/// The elements that SORT puts in order, each with what it is ordered by. One thread.
class SortVector {
 public:
  /// How elements are compared.
  struct Order {
    bool descending = false;
    bool alpha = false;  ///< by texts; else by numbers, and equal ones by their texts
    Collation const* collation = nullptr;  ///< of texts; else by bytes
  };

  /// Appends an element.
  void append(std::string_view text);

  size_t size() const { return items_.size(); }
  std::string_view text(size_t index) const { return at(items_[index].text); }

  /// The number that `text` is as a whole. False, and nothing is set, when it is none.
  [[nodiscard]] bool set_number(size_t index, std::string_view text);
  /// The text to compare in place of the element's own; none is less than any.
  void set_key(size_t index, std::optional<std::string> const& text);

  /// Puts the elements in order, those at [first, last) at least. Equal ones stay as they were.
  void sort(Order const& order, size_t first, size_t last);
  void reverse();

 private:
  /// A text in `texts_`, with a zero byte behind it.
  struct Place {
    uint64_t offset = 0;
    uint64_t size = kNone;
  };
  struct Item {
    Place text;
    Place key;  // of kAlpha: what is compared
    double number = 0;
    uint64_t index = 0;
  };
  static constexpr uint64_t kNone = UINT64_MAX;

  Place put(std::string_view text);
  std::string_view at(Place const& place) const { return {texts_.data() + place.offset, place.size}; }
  int compare(Item const& a, Item const& b, Order const& order) const;

  std::string texts_;
  std::vector<Item> items_;
};

}  // namespace holdfast
