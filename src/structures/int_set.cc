#include "structures/int_set.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they are");

struct Header {
  uint32_t width;
  uint32_t count;
};
static_assert(sizeof(Header) == kIntSetHeaderBytes);

Header load_header(char const* bytes) {
  Header header;
  std::memcpy(&header, bytes, sizeof header);
  return header;
}

void store_header(char* bytes, Header header) { std::memcpy(bytes, &header, sizeof header); }

constexpr size_t set_bytes(uint32_t width, size_t count) { return kIntSetHeaderBytes + width * count; }

template <class Value>
int64_t load_as(char const* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

int64_t load_value(char const* bytes, uint32_t width, size_t index) {
  char const* const at = bytes + set_bytes(width, index);
  if (width == 2) return load_as<int16_t>(at);
  return width == 4 ? load_as<int32_t>(at) : load_as<int64_t>(at);
}

// Little endian: the low bytes come first.
void store_value(char* bytes, uint32_t width, size_t index, int64_t value) {
  std::memcpy(bytes + set_bytes(width, index), &value, width);
}

template <class Value>
uint32_t lower_bound_in(char const* values, uint32_t count, int64_t value) {
  uint32_t low = 0;
  while (count != 0) {
    uint32_t const half = count / 2;
    bool const above = load_as<Value>(values + (size_t{low} + half) * sizeof(Value)) < value;
    low = above ? low + half + 1 : low;
    count = above ? count - half - 1 : half;
  }
  return low;
}

}  // namespace

IntSetView IntSetView::at(char const* bytes) {
  Header const header = load_header(bytes);
  return IntSetView({bytes, set_bytes(header.width, header.count)});
}

bool IntSetView::validate(std::string_view bytes, bool deep) {
  if (bytes.size() < kIntSetHeaderBytes) return false;
  auto const [width, count] = load_header(bytes.data());
  if (width != 2 && width != 4 && width != 8) return false;
  if (count == 0 || set_bytes(width, count) != bytes.size()) return false;
  for (uint32_t i = 1; deep && i < count; ++i) {
    if (load_value(bytes.data(), width, i - 1) >= load_value(bytes.data(), width, i)) return false;
  }
  return true;
}

uint32_t IntSetView::width() const { return load_header(bytes_.data()).width; }

uint32_t IntSetView::count() const { return load_header(bytes_.data()).count; }

int64_t IntSetView::nth(uint32_t index) const {
  DCHECK(index < count());
  return load_value(bytes_.data(), width(), index);
}

uint32_t IntSetView::lower_bound(int64_t value) const {
  auto const [width, count] = load_header(bytes_.data());
  char const* const values = bytes_.data() + kIntSetHeaderBytes;
  if (width == 2) return lower_bound_in<int16_t>(values, count, value);
  return width == 4 ? lower_bound_in<int32_t>(values, count, value) : lower_bound_in<int64_t>(values, count, value);
}

std::optional<uint32_t> IntSetView::index_of(int64_t value) const {
  uint32_t const index = lower_bound(value);
  if (index == count() || nth(index) != value) return std::nullopt;
  return index;
}

std::optional<IntSetInsert> IntSetInsert::plan(IntSetView set, int64_t value) {
  auto const [width, count] = load_header(set.bytes().data());
  uint32_t const index = set.lower_bound(value);
  if (index < count && set.nth(index) == value) return std::nullopt;
  uint32_t const width_after = std::max(width, int_set_width_for(value));
  return IntSetInsert{value, index, width_after, set_bytes(width_after, size_t{count} + 1)};
}

size_t IntSetInsert::apply(char* bytes) const {
  Header const before = load_header(bytes);
  CHECK(index <= before.count && before.count != UINT32_MAX);
  if (width == before.width) {
    char* const place = bytes + set_bytes(width, index);
    std::memmove(place + width, place, width * (size_t{before.count} - index));
  } else {
    // From the back, so that no value is overwritten before it was read.
    for (uint32_t i = before.count; i-- > 0;) {
      store_value(bytes, width, size_t{i} + (i >= index ? 1 : 0), load_value(bytes, before.width, i));
    }
  }
  store_value(bytes, width, index, value);
  store_header(bytes, {width, before.count + 1});
  return bytes_after;
}

size_t int_set_erase(char* bytes, uint32_t index) {
  Header const before = load_header(bytes);
  CHECK(index < before.count);
  char* const place = bytes + set_bytes(before.width, index);
  std::memmove(place, place + before.width, before.width * (size_t{before.count} - index - 1));
  store_header(bytes, {before.width, before.count - 1});
  return set_bytes(before.width, size_t{before.count} - 1);
}

namespace {

uint32_t width_for_all(std::span<int64_t const> ascending) {
  if (ascending.empty()) return 2;
  return std::max(int_set_width_for(ascending.front()), int_set_width_for(ascending.back()));
}

}  // namespace

size_t int_set_bytes(std::span<int64_t const> ascending) {
  return set_bytes(width_for_all(ascending), ascending.size());
}

size_t write_int_set(char* out, std::span<int64_t const> ascending) {
  CHECK(ascending.size() <= UINT32_MAX);
  uint32_t const width = width_for_all(ascending);
  for (size_t i = 0; i < ascending.size(); ++i) {
    DCHECK(i == 0 || ascending[i - 1] < ascending[i]);
    store_value(out, width, i, ascending[i]);
  }
  store_header(out, {width, static_cast<uint32_t>(ascending.size())});
  return set_bytes(width, ascending.size());
}

std::string IntSetBuilder::finish() {
  std::vector<int64_t> values = std::exchange(values_, {});
  std::ranges::sort(values);
  auto const repeated = std::ranges::unique(values);
  values.erase(repeated.begin(), repeated.end());
  std::string bytes(int_set_bytes(values), '\0');
  write_int_set(bytes.data(), values);
  return bytes;
}

}  // namespace holdfast
