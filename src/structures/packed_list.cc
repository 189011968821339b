#include "structures/packed_list.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.h"

namespace holdfast {
namespace {

constexpr char kTerminator = '\xFF';
constexpr size_t kCountOffset = 4;
/// The shortest entry: a number from 0 to 127, or the empty text.
constexpr size_t kEntryBytesMin = 2;

uint16_t load_count(char const* bytes) {
  uint16_t count;
  std::memcpy(&count, bytes + kCountOffset, sizeof count);
  return count;
}

void store_header(char* bytes, size_t total, size_t count) {
  auto const stored_total = static_cast<uint32_t>(total);
  auto const stored_count = static_cast<uint16_t>(std::min<size_t>(count, kPackedCountUnknown));
  std::memcpy(bytes, &stored_total, sizeof stored_total);
  std::memcpy(bytes + kCountOffset, &stored_count, sizeof stored_count);
}

size_t count_entries(char const* from, char const* end) {
  size_t count = 0;
  for (char const* at = from; at != end; at = packed::next(at)) ++count;
  return count;
}

size_t entries_bytes(std::span<packed::Element const> elements) {
  size_t bytes = 0;
  for (packed::Element const& element : elements) bytes += packed::entry_bytes(element);
  return bytes;
}

char* write_entries(char* at, std::span<packed::Element const> elements) {
  for (packed::Element const& element : elements) at = packed::write_entry(at, element);
  return at;
}

[[maybe_unused]] bool any_text_in(std::span<packed::Element const> elements, char const* from, char const* end) {
  return std::ranges::any_of(elements, [&](packed::Element const& element) {
    std::string_view const text = element.text;
    return !text.empty() && std::less{}(text.data(), end) && std::less{}(from, text.data() + text.size());
  });
}

// Header of a list whose entries were just changed. `count_before` is the old count field.
void store_header_after(char* bytes, size_t total, size_t count_before, PackedEdit const& edit) {
  bool const known = count_before != kPackedCountUnknown;
  store_header(bytes, total, known ? count_before - edit.removed_count + edit.inserted.size() : kPackedCountUnknown);
  // A list that has become so short that it cannot hold too many entries for the field is counted once.
  if (!known && (total - kPackedEmptyBytes) / kEntryBytesMin < kPackedCountUnknown) {
    store_header(bytes, total, count_entries(bytes + kPackedHeaderBytes, bytes + total - 1));
  }
}

}  // namespace

bool PackedListView::validate(std::string_view bytes, bool deep) {
  if (bytes.size() < kPackedEmptyBytes || total_bytes(bytes.data()) != bytes.size()) return false;
  if (bytes.back() != kTerminator) return false;
  if (!deep) return true;
  char const* at = bytes.data() + kPackedHeaderBytes;
  char const* const end = bytes.data() + bytes.size() - 1;
  size_t count = 0;
  while (at != end) {
    auto const entry = packed::checked_entry_bytes(at, static_cast<size_t>(end - at));
    if (!entry) return false;
    at += *entry;
    ++count;
  }
  uint16_t const stored = load_count(bytes.data());
  return stored == kPackedCountUnknown || stored == count;
}

size_t PackedListView::count() const {
  uint16_t const stored = load_count(bytes_.data());
  return stored != kPackedCountUnknown ? stored : count_entries(first(), terminator());
}

char const* PackedListView::seek(int64_t index) const {
  size_t const entries = count();
  bool const from_tail = index < 0;
  // Entries before the one looked for, from the front.
  uint64_t front = static_cast<uint64_t>(index);
  if (from_tail) {
    uint64_t const back = 0 - static_cast<uint64_t>(index);
    if (back > entries) return nullptr;
    front = entries - back;
  }
  if (front >= entries) return nullptr;
  if (front <= entries / 2) return packed::advance(first(), terminator(), front);
  char const* at = terminator();
  for (size_t steps = entries - front; steps != 0; --steps) at = packed::previous(at);
  return at;
}

bool PackedListView::has_duplicates(size_t step) const {
  CHECK(step > 0);
  std::vector<packed::Element> seen;
  for (char const* at = first(); at != terminator(); at = packed::advance(at, terminator(), step)) {
    packed::Element const element = packed::read_entry(at);
    // Foreign lists may hold a number as text.
    seen.push_back(element.is_integer ? element : packed::Element::of(element.text));
  }
  auto const key = [](packed::Element const& e) { return std::tie(e.is_integer, e.integer, e.text); };
  std::ranges::sort(seen, [&](auto const& a, auto const& b) { return key(a) < key(b); });
  return std::ranges::adjacent_find(seen) != seen.end();
}

PackedEdit PackedEdit::replace(PackedListView list, char const* at, size_t count,
                               std::span<packed::Element const> elements) {
  PackedEdit edit;
  edit.offset = list.offset_of(at);
  char const* end = at;
  for (; edit.removed_count < count && end != list.terminator(); ++edit.removed_count) end = packed::next(end);
  edit.removed_bytes = static_cast<size_t>(end - at);
  edit.inserted = elements;
  edit.inserted_bytes = entries_bytes(elements);
  return edit;
}

size_t PackedEdit::apply(char* bytes) const {
  size_t const total = PackedListView::total_bytes(bytes);
  size_t const tail = offset + removed_bytes;
  CHECK(tail < total);
  size_t const total_after = total - removed_bytes + inserted_bytes;
  CHECK(total_after <= packed::kBytesMax);
  DCHECK(!any_text_in(inserted, bytes, bytes + std::max(total, total_after)));
  size_t const count_before = load_count(bytes);
  if (inserted_bytes != removed_bytes) std::memmove(bytes + offset + inserted_bytes, bytes + tail, total - tail);
  char* const end = write_entries(bytes + offset, inserted);
  CHECK(end == bytes + offset + inserted_bytes);
  store_header_after(bytes, total_after, count_before, *this);
  return total_after;
}

size_t write_packed_list(char* out, std::span<packed::Element const> elements) {
  char* const end = write_entries(out + kPackedHeaderBytes, elements);
  *end = kTerminator;
  auto const total = static_cast<size_t>(end + 1 - out);
  CHECK(total <= packed::kBytesMax);
  store_header(out, total, elements.size());
  return total;
}

void apply_edit(std::string& list, PackedEdit const& edit) {
  size_t const after = edit.bytes_after(PackedListView(list));
  if (after > list.size()) list.resize(after);
  list.resize(edit.apply(list.data()));
}

PackedListBuilder::PackedListBuilder() : bytes_(kPackedHeaderBytes, '\0') {}

void PackedListBuilder::append(packed::Element const& element) {
  size_t const before = bytes_.size();
  bytes_.resize(before + packed::entry_bytes(element));
  packed::write_entry(bytes_.data() + before, element);
  ++count_;
}

void PackedListBuilder::append_entry(char const* at) {
  bytes_.append(at, packed::entry_bytes_at(at));
  ++count_;
}

std::string PackedListBuilder::finish() {
  bytes_.push_back(kTerminator);
  CHECK(bytes_.size() <= packed::kBytesMax);
  store_header(bytes_.data(), bytes_.size(), count_);
  count_ = 0;
  return std::exchange(bytes_, std::string(kPackedHeaderBytes, '\0'));
}

}  // namespace holdfast
