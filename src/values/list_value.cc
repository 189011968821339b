#include "values/list_value.h"

#include <array>
#include <vector>

#include "base/check.h"

namespace holdfast {
namespace {

/// Bytes an entry of a short text may take over the text itself: the longest header and the longest backlen.
constexpr size_t kEntryOverheadMax = 10;

}  // namespace

bool ListBody::packs_into(size_t bytes) const {
  size_t needed = kPackedEmptyBytes;
  BlockList::Cursor at = blocks.first();
  if (!at) return true;
  do {
    BlockView const block = at.block();
    needed += block.big ? packed::entry_bytes({false, 0, block.bytes}) : block.bytes.size();
  } while (needed <= bytes && at.next_block());
  return needed <= bytes;
}

// --- reading ---

void ListReader::Cursor::next() {
  if (!packed_) return body_.next();
  packed_ = packed::next(packed_);
  if (packed_ == end_) packed_ = nullptr;
}

void ListReader::Cursor::previous() {
  if (!packed_) return body_.previous();
  packed_ = packed_ == first_ ? nullptr : packed::previous(packed_);
}

ListReader::Cursor ListReader::at(uint64_t index) const {
  Cursor at;
  if (blocks_) {
    at.body_ = blocks_->cursor(index);
  } else {
    at.first_ = packed_.first();
    at.end_ = packed_.terminator();
    at.packed_ = packed_.seek(static_cast<int64_t>(index));
  }
  return at;
}

// --- changing ---

ListEditor::ListEditor(ValueEdit& edit, ValueLimits const& limits)
    : edit_(edit), limit_(ListLimit::of(limits.list_max_listpack_size.load(std::memory_order_relaxed))) {
  DCHECK(edit.type == ValueType::kList);
  if (edit.in_body() || !edit.bytes.empty()) return;
  edit.bytes.resize(kPackedEmptyBytes);
  write_packed_list(edit.bytes.data(), {});
}

void ListEditor::leave_record(bool quicklist) {
  auto body = std::make_unique<ListBody>();
  body->blocks.append_entries(packed().entries());
  body->quicklist = quicklist;
  edit_.become(std::move(body));
}

void ListEditor::prepare_growth(uint64_t count, size_t text_bytes) {
  if (!edit_.in_body()) {
    size_t const bytes = edit_.bytes.size() + text_bytes;
    bool const quicklist = !limit_.holds(bytes, packed().count() + count);
    if (quicklist || bytes + count * kEntryOverheadMax > kListPackedBytesMax) leave_record(quicklist);
    return;
  }
  auto* body = static_cast<ListBody*>(edit_.body);
  if (body->quicklist) return;
  // The blocks take at least what the packed list would, so most lists need no closer look.
  bool const fits = body->memory_bytes() + text_bytes <= limit_.bytes ||
                    (text_bytes <= limit_.bytes && body->packs_into(limit_.bytes - text_bytes));
  body->quicklist = !fits || body->blocks.size() + count > limit_.count;
}

void ListEditor::settle() {
  if (!edit_.in_body()) return;
  auto* body = static_cast<ListBody*>(edit_.body);
  if (!body->quicklist) return;
  // A block is at least half full, so a list of more blocks needs no closer look.
  ListLimit const half = limit_.half();
  if (body->blocks.size() > half.count || body->blocks.memory_bytes() > 2 * half.bytes + kChunkBytesMax) return;
  body->quicklist = !body->packs_into(half.bytes);
}

void ListEditor::push(ListEnd end, std::span<std::string_view const> texts) {
  size_t text_bytes = 0;
  for (std::string_view text : texts) text_bytes += text.size();
  prepare_growth(texts.size(), text_bytes);
  if (!edit_.in_body()) return push_packed(end, texts);
  if (end == ListEnd::kHead) {
    for (std::string_view text : texts) blocks().push_front(text);
  } else {
    for (std::string_view text : texts) blocks().push_back(text);
  }
}

void ListEditor::push_packed(ListEnd end, std::span<std::string_view const> texts) {
  constexpr size_t kAtOnce = 32;
  std::array<packed::Element, kAtOnce> elements;
  while (!texts.empty()) {
    size_t const count = std::min(texts.size(), kAtOnce);
    for (size_t i = 0; i < count; i++) {
      elements[end == ListEnd::kHead ? count - 1 - i : i] = packed::Element::of(texts[i]);
    }
    std::span<packed::Element const> const part(elements.data(), count);
    PackedListView const list = packed();
    apply_edit(edit_.bytes,
               end == ListEnd::kHead ? PackedEdit::prepend(list, part) : PackedEdit::append(list, part));
    texts = texts.subspan(count);
  }
}

void ListEditor::erase(uint64_t first, uint64_t last) {
  DCHECK(first <= last && last <= size());
  if (first == last) return;
  if (!edit_.in_body()) {
    PackedListView const list = packed();
    apply_edit(edit_.bytes, PackedEdit::erase(list, list.seek(static_cast<int64_t>(first)), last - first));
    return;
  }
  if (last - first > 1) {
    blocks().erase_range(first, last);
  } else if (first == 0) {
    blocks().pop_front();
  } else if (last == blocks().size()) {
    blocks().pop_back();
  } else {
    blocks().erase(first);
  }
  settle();
}

void ListEditor::set(uint64_t index, std::string_view text) {
  prepare_growth(1, text.size());
  if (edit_.in_body()) {
    blocks().set(index, text);
    return settle();
  }
  packed::Element const element = packed::Element::of(text);
  PackedListView const list = packed();
  apply_edit(edit_.bytes,
             PackedEdit::replace(list, list.seek(static_cast<int64_t>(index)), 1, std::span(&element, 1)));
}

void ListEditor::insert(uint64_t index, std::string_view text) {
  prepare_growth(1, text.size());
  if (edit_.in_body()) return blocks().insert(index, text);
  packed::Element const element = packed::Element::of(text);
  PackedListView const list = packed();
  char const* at = list.seek(static_cast<int64_t>(index));
  apply_edit(edit_.bytes, PackedEdit::insert(list, at ? at : list.terminator(), std::span(&element, 1)));
}

uint64_t ListEditor::remove(std::string_view text, uint64_t limit, ListEnd from) {
  if (edit_.in_body()) {
    uint64_t const removed = blocks().remove(text, limit, from == ListEnd::kTail);
    settle();
    return removed;
  }
  packed::Needle const needle(text);
  PackedListView const list = packed();
  uint64_t matching = 0;
  for (char const* at = list.first(); at != list.terminator(); at = packed::next(at)) matching += needle.matches(at);
  uint64_t const removed = std::min(matching, limit);
  if (removed == 0) return 0;
  uint64_t kept_matches = from == ListEnd::kTail ? matching - removed : 0;  // in front of the first one that goes
  uint64_t left = removed;
  PackedListBuilder rest;
  for (char const* at = list.first(); at != list.terminator(); at = packed::next(at)) {
    bool const goes = left > 0 && needle.matches(at) && (kept_matches == 0 || kept_matches-- == 0);
    if (goes) {
      left--;
    } else {
      rest.append_entry(at);
    }
  }
  edit_.bytes = rest.finish();
  return removed;
}

}  // namespace holdfast
