#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// A set of integers as Redis's "intset", byte for byte as in a DUMP payload:
//
//   u32 width, 2 4 or 8 | u32 count | count x little-endian signed integers of that width, strictly ascending
//
// Contains is a binary search in one or a few cache lines. The width grows with the first value that needs more and
// never shrinks. Like a packed list it lies in a buffer of the caller, who finds the room that an insertion asks for.

namespace holdfast {

inline constexpr size_t kIntSetHeaderBytes = 8;

/// Smallest width in bytes (2, 4, 8) that holds `value`.
constexpr uint32_t int_set_width_for(int64_t value) {
  if (value >= INT16_MIN && value <= INT16_MAX) return 2;
  return value >= INT32_MIN && value <= INT32_MAX ? 4 : 8;
}

/// Reads an int set that validate() accepted or this folder wrote. Valid until the bytes change or move.
class IntSetView {
 public:
  explicit IntSetView(std::string_view bytes) : bytes_(bytes) {}
  /// A set whose length is known from its header alone.
  static IntSetView at(char const* bytes);

  /// Header and size, at least one value; with `deep` the order of the values too. Nothing is trusted.
  static bool validate(std::string_view bytes, bool deep);

  std::string_view bytes() const { return bytes_; }
  size_t size_bytes() const { return bytes_.size(); }
  uint32_t width() const;
  uint32_t count() const;
  bool empty() const { return count() == 0; }

  /// Value at `index`, ascending. Precondition: index < count().
  int64_t nth(uint32_t index) const;
  /// Number of values that are less than `value`.
  uint32_t lower_bound(int64_t value) const;
  std::optional<uint32_t> index_of(int64_t value) const;
  bool contains(int64_t value) const { return index_of(value).has_value(); }

 private:
  std::string_view bytes_;
};

/// What it takes to insert a value that is not there.
struct IntSetInsert {
  int64_t value = 0;
  uint32_t index = 0;      ///< where it will be
  uint32_t width = 2;      ///< of the set afterwards
  size_t bytes_after = 0;  ///< of the whole set

  /// Nothing when the value is in the set already.
  static std::optional<IntSetInsert> plan(IntSetView set, int64_t value);
  /// Changes the set in its place: `bytes` has room for bytes_after. Returns the new size.
  size_t apply(char* bytes) const;
};

/// Removes the value at `index` in place and returns the new size. Precondition: index < count.
size_t int_set_erase(char* bytes, uint32_t index);

/// Bytes of the set of these values (strictly ascending), and its writer (room for as many); returns the size.
size_t int_set_bytes(std::span<int64_t const> ascending);
size_t write_int_set(char* out, std::span<int64_t const> ascending);

/// Makes an int set of values in any order, with repetitions.
class IntSetBuilder {
 public:
  void add(int64_t value) { values_.push_back(value); }
  /// The set, of the smallest width. The builder starts again with no value.
  std::string finish();

 private:
  std::vector<int64_t> values_;
};

}  // namespace holdfast
