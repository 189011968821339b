#include "values/list_builder.h"

#include <memory>
#include <string>
#include <utility>

#include "values/list_value.h"

namespace holdfast {
void ListBuilder::spill() {
  if (spilled_) return;
  std::string const list = packed_.finish();
  blocks_.append_entries(PackedListView(list).entries());
  spilled_ = true;
}

void ListBuilder::append(std::string_view text) {
  if (!spilled_) {
    packed::Element const element = packed::Element::of(text);
    if (packed_.size_bytes() + packed::entry_bytes(element) <= kListPackedBytesMax) return packed_.append(element);
    spill();
  }
  blocks_.push_back(text);
}

void ListBuilder::append_list(PackedListView list) {
  if (!spilled_ && packed_.size_bytes() + list.size_bytes() <= kListPackedBytesMax) {
    for (char const* at = list.first(); at != list.terminator(); at = packed::next(at)) packed_.append_entry(at);
    return;
  }
  spill();
  blocks_.append_entries(list.entries());
}

std::optional<DetachedValue> ListBuilder::finish(ListLimit const& limit) {
  uint64_t const count = size();
  if (count == 0) return std::nullopt;
  bool quicklist = nodes_ > 1 || count > limit.count;
  if (!spilled_) {
    if (!quicklist && packed_.size_bytes() <= limit.bytes) {
      return DetachedValue::of_packed(ValueType::kList, packed_.finish());
    }
    spill();
  }
  auto body = std::make_unique<ListBody>(std::move(blocks_), true);
  body->quicklist = quicklist || !body->packs_into(limit.bytes);
  return DetachedValue::of_body(ValueType::kList, std::move(body));
}

}  // namespace holdfast
