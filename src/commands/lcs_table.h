#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "memory/lazy_free.h"

namespace holdfast {

// The longest common subsequence of two strings by the table of Wagner and Fischer: cell (i, j) is the length for the
// first i bytes of `a` and the first j bytes of `b`; row 0 and column 0 are zero.
//
// Computed some cells at a time, so that the owner can do other things in between; then walked back from the last cell.
// Costs 4 * (a + 1) * (b + 1) bytes. No thread rule of its own.

class LcsTable {
 public:
  /// Bytes that a table for strings of these lengths takes; nullopt when that is no number.
  static std::optional<uint64_t> bytes_for(size_t a, size_t b);

  /// Null when there is no memory. The texts must outlive the table.
  static std::unique_ptr<LcsTable> make(std::string_view a, std::string_view b);

  /// Computes up to `cells` more cells. True when the table is complete.
  bool compute(size_t cells);
  /// Precondition: complete, as for everything below.
  uint32_t length() const { return at(a_.size(), b_.size()); }

  /// One step of the walk from the end of both strings to their beginning.
  enum class Step : uint8_t { kMatch, kSkip };
  /// Precondition: i, j > 0. Moves both over a common byte, or one over a byte of its own.
  Step step_back(size_t& i, size_t& j) const;

  /// Frees the memory of a table on the background thread.
  static void discard(std::unique_ptr<LcsTable> table, LazyFree& lazy_free);

 private:
  struct Free {
    void operator()(uint32_t* cells) const { std::free(cells); }
  };
  using Cells = std::unique_ptr<uint32_t[], Free>;
  class CellGarbage;

  LcsTable(std::string_view a, std::string_view b, Cells cells)
      : a_(a), b_(b), width_(b.size() + 1), cells_(std::move(cells)) {}
  uint32_t at(size_t i, size_t j) const { return cells_[i * width_ + j]; }

  std::string_view a_;
  std::string_view b_;
  size_t width_;
  Cells cells_;
  size_t row_ = 1;  // the next cell to compute
  size_t column_ = 1;
};

}  // namespace holdfast
