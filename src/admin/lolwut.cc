#include "admin/lolwut.h"

#include <array>

namespace holdfast {
namespace {

constexpr size_t kWidth = 64;
constexpr size_t kHeight = 16;
using Canvas = std::array<std::string, kHeight>;

void set(Canvas& canvas, size_t row, size_t column, char c) {
  if (row < kHeight && column < kWidth) canvas[row][column] = c;
}

/// Outer walls '|', battlements on top, and a window here and there.
void draw_tower(Canvas& canvas, Random& random, size_t left, size_t width, size_t top, size_t ground) {
  for (size_t column = left; column <= left + width; column++) {
    set(canvas, top, column, (column - left) % 2 == 0 ? '#' : ' ');
    set(canvas, top + 1, column, '#');
  }
  for (size_t row = top + 2; row <= ground; row++) {
    for (size_t column = left; column <= left + width; column++) {
      bool const wall = column == left || column == left + width;
      bool const window = !wall && row % 2 == 1 && column % 3 == 0 && random.below(3) == 0;
      set(canvas, row, column, wall ? '|' : window ? 'o' : ' ');
    }
  }
}

void draw_flag(Canvas& canvas, size_t column, size_t top) {
  set(canvas, top - 1, column, '|');
  set(canvas, top - 2, column, '|');
  set(canvas, top - 2, column + 1, '>');
}

}  // namespace

std::string draw_fortress(Random& random) {
  Canvas canvas;
  canvas.fill(std::string(kWidth, ' '));
  constexpr size_t kGround = kHeight - 2;
  for (int star = 0; star < 12; star++) set(canvas, random.below(6), random.below(kWidth), random.below(2) ? '.' : '*');
  for (size_t left = 4; left + 12 < kWidth;) {
    size_t const width = 4 + 2 * random.below(4);
    size_t const top = 3 + random.below(7);
    draw_tower(canvas, random, left, width, top, kGround);
    if (random.below(2) == 0) draw_flag(canvas, left + width / 2, top);
    left += width + random.below(3);
  }
  canvas[kHeight - 1].assign(kWidth, '=');
  std::string picture;
  for (std::string const& line : canvas) picture += line + "\n";
  return picture;
}

}  // namespace holdfast
