// Any bytes are a packed list, an int set, a ziplist or a zipmap, or are refused; nothing outside them is read. What
// was accepted can be read from both ends, changed, and converted, and is valid afterwards. The first byte chooses the
// form, the second what is changed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "structures/int_set.h"
#include "structures/packed_list.h"
#include "structures/ziplist.h"
#include "structures/zipmap.h"

namespace {

using namespace holdfast;

std::string text_at(char const* at) {
  packed::TextScratch scratch;
  return std::string(packed::read_entry(at).as_text(scratch));
}

void read_and_change_list(std::string_view bytes, uint8_t choice) {
  if (!PackedListView::validate(bytes, true)) return;
  PackedListView const list(bytes);
  std::vector<std::string> texts;
  for (auto it = list.begin(); it != list.end(); ++it) texts.push_back(text_at(it.at()));
  CHECK(texts.size() == list.count());
  size_t left = texts.size();
  for (auto it = list.end(); it != list.begin();) CHECK(text_at((--it).at()) == texts[--left]);
  CHECK(left == 0);
  (void)list.has_duplicates(1 + choice % 3);

  size_t const offset = choice % (texts.size() + 1);
  size_t const removed = std::min<size_t>(choice / 64, texts.size() - offset);
  packed::Element const inserted[] = {packed::Element::of_integer(choice), packed::Element::of("text")};
  char const* const at = packed::advance(list.first(), list.terminator(), offset);
  PackedEdit const edit = PackedEdit::replace(list, at, removed, inserted);
  std::string changed(bytes);
  apply_edit(changed, edit);
  CHECK(changed.size() == edit.bytes_after(list) && PackedListView::validate(changed, true));
  CHECK(PackedListView(changed).count() == texts.size() - removed + 2);
  CHECK(PackedListView(changed).find(std::to_string(choice)) != nullptr);
}

void read_and_change_set(std::string_view foreign, int64_t value) {
  if (!IntSetView::validate(foreign, true)) return;
  IntSetView const set(foreign);
  for (uint32_t i = 0; i < set.count(); ++i) CHECK(set.index_of(set.nth(i)) == i);
  std::string bytes(foreign);
  if (auto const plan = IntSetInsert::plan(IntSetView(bytes), value)) {
    bytes.resize(plan->bytes_after);
    CHECK(plan->apply(bytes.data()) == bytes.size());
  }
  CHECK(IntSetView::validate(bytes, true) && IntSetView(bytes).contains(value));
  bytes.resize(int_set_erase(bytes.data(), *IntSetView(bytes).index_of(value)));
  CHECK(IntSetView(bytes).empty() || IntSetView::validate(bytes, true));
}

void convert(Result<std::string> const& list, uint8_t choice) {
  if (!list) return;
  CHECK(PackedListView::validate(*list, true));
  read_and_change_list(*list, choice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  constexpr size_t kChoices = 2;
  if (size < kChoices) return 0;
  uint8_t const choice = data[1];
  // A block of the exact size: the address sanitizer sees the first byte read beyond.
  std::vector<char> block(data + kChoices, data + size);
  // Half of the inputs get a total and a terminator that fit, so that the search reaches the entries.
  if (data[0] & 4 && block.size() >= kPackedEmptyBytes) {
    auto const total = static_cast<uint32_t>(block.size());
    std::memcpy(block.data(), &total, sizeof total);
    block.back() = '\xFF';
  }
  std::string_view const bytes(block.data(), block.size());
  switch (data[0] % 4) {
    case 0:
      read_and_change_list(bytes, choice);
      break;
    case 1:
      read_and_change_set(bytes, static_cast<int64_t>(choice) << (choice % 56));
      break;
    case 2:
      convert(packed_list_from_ziplist(bytes), choice);
      break;
    default:
      convert(packed_list_from_zipmap(bytes), choice);
  }
  return 0;
}
