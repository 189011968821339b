#include "commands/sort_vector.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "base/number.h"

namespace holdfast {

SortVector::Place SortVector::put(std::string_view text) {
  Place const place{texts_.size(), text.size()};
  texts_.append(text).push_back('\0');
  return place;
}

void SortVector::append(std::string_view text) {
  Place const place = put(text);
  items_.push_back({.text = place, .key = place, .index = items_.size()});
}

bool SortVector::set_number(size_t index, std::string_view text) {
  if (std::optional<int64_t> const integer = parse_int64(text)) {
    items_[index].number = static_cast<double>(*integer);
    return true;
  }
  // As Redis does it: leading blanks, hexadecimals and nothing at all are numbers; what overflows or vanishes is none.
  std::string const terminated(text);
  char* end;
  errno = 0;
  double const number = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || errno == ERANGE || std::isnan(number)) return false;
  items_[index].number = number;
  return true;
}

void SortVector::set_key(size_t index, std::optional<std::string> const& text) {
  items_[index].key = text ? put(*text) : Place{};
}

int SortVector::compare(Item const& a, Item const& b, Order const& order) const {
  if (!order.alpha) {
    if (a.number != b.number) return a.number < b.number ? -1 : 1;
    return at(a.text).compare(at(b.text));
  }
  if (a.key.size == kNone || b.key.size == kNone) return (b.key.size == kNone) - (a.key.size == kNone);
  if (order.collation) return order.collation->compare(texts_.data() + a.key.offset, texts_.data() + b.key.offset);
  return at(a.key).compare(at(b.key));
}

void SortVector::sort(Order const& order, size_t first, size_t last) {
  auto const less = [&](Item const& a, Item const& b) {
    int const compared = compare(a, b, order);
    if (compared != 0) return order.descending ? compared > 0 : compared < 0;
    return a.index < b.index;
  };
  // A small part of many elements is picked out of them before it is sorted.
  constexpr size_t kPartWorthPicking = 4;
  if (last - first > size() / kPartWorthPicking) return std::sort(items_.begin(), items_.end(), less);
  std::partial_sort(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(last), items_.end(), less);
}

void SortVector::reverse() { std::ranges::reverse(items_); }

}  // namespace holdfast
