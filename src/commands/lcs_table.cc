#include "commands/lcs_table.h"

#include <algorithm>

#include "base/check.h"

namespace holdfast {

class LcsTable::CellGarbage final : public Garbage {
 public:
  explicit CellGarbage(Cells cells) : cells_(std::move(cells)) {}

 private:
  Cells cells_;
};

std::optional<uint64_t> LcsTable::bytes_for(size_t a, size_t b) {
  uint64_t bytes;
  if (__builtin_mul_overflow(uint64_t{a} + 1, uint64_t{b} + 1, &bytes)) return std::nullopt;
  if (__builtin_mul_overflow(bytes, sizeof(uint32_t), &bytes)) return std::nullopt;
  return bytes;
}

std::unique_ptr<LcsTable> LcsTable::make(std::string_view a, std::string_view b) {
  // calloc gives the zeros of the first row and column; large blocks cost nothing until they are written.
  Cells cells(static_cast<uint32_t*>(std::calloc((a.size() + 1) * (b.size() + 1), sizeof(uint32_t))));
  if (!cells) return nullptr;
  return std::unique_ptr<LcsTable>(new LcsTable(a, b, std::move(cells)));
}

bool LcsTable::compute(size_t cells) {
  if (b_.empty()) return true;
  while (row_ <= a_.size() && cells > 0) {
    uint32_t const* above = &cells_[(row_ - 1) * width_];
    uint32_t* row = &cells_[row_ * width_];
    size_t end = column_ + std::min(cells, width_ - column_);
    cells -= end - column_;
    char byte = a_[row_ - 1];
    for (; column_ < end; column_++) {
      row[column_] = byte == b_[column_ - 1] ? above[column_ - 1] + 1 : std::max(above[column_], row[column_ - 1]);
    }
    if (column_ == width_) {
      column_ = 1;
      row_++;
    }
  }
  return row_ > a_.size();
}

LcsTable::Step LcsTable::step_back(size_t& i, size_t& j) const {
  DCHECK(i > 0 && j > 0);
  if (a_[i - 1] == b_[j - 1]) {
    i--;
    j--;
    return Step::kMatch;
  }
  // Of equally long ways the one that skips a byte of `b` is taken.
  if (at(i - 1, j) > at(i, j - 1)) {
    i--;
  } else {
    j--;
  }
  return Step::kSkip;
}

void LcsTable::discard(std::unique_ptr<LcsTable> table, LazyFree& lazy_free) {
  if (table) lazy_free.push(std::make_unique<CellGarbage>(std::move(table->cells_)));
}

}  // namespace holdfast
