#include "values/set_value.h"

#include <algorithm>

namespace holdfast {
namespace {

constexpr std::string_view kEmptyPacked("\x07\x00\x00\x00\x00\x00\xFF", kPackedEmptyBytes);
constexpr std::string_view kEmptyInts("\x02\x00\x00\x00\x00\x00\x00\x00", kIntSetHeaderBytes);
/// However high the directive is, an int set in a record stays below 1 GiB.
constexpr uint64_t kIntsMax = (packed::kBytesMax - kIntSetHeaderBytes) / sizeof(int64_t);

uint64_t value_of(std::atomic<uint64_t> const& limit) { return limit.load(std::memory_order_relaxed); }

}  // namespace

SetEditor::SetEditor(ValueEdit& edit, ValueContext const& context) : edit_(edit), context_(context) {
  if (edit.in_body() || !edit.bytes.empty()) return;
  edit.encoding = Encoding::kIntset;
  edit.bytes = kEmptyInts;
}

uint64_t SetEditor::ints_max() const { return std::min(value_of(context_.limits.set_max_intset_entries), kIntsMax); }

/// A packed list of `size` members may take this one too.
bool SetEditor::fits_packed(uint64_t size, std::string_view member) const {
  return size < value_of(context_.limits.set_max_listpack_entries) &&
         member.size() <= value_of(context_.limits.set_max_listpack_value);
}

void SetEditor::prepare(std::string_view first, uint64_t count) {
  if (edit_.in_body()) return;
  if (edit_.encoding == Encoding::kIntset && ints().empty() && (count > ints_max() || !parse_int64(first))) {
    edit_.encoding = Encoding::kPacked;
    edit_.bytes = kEmptyPacked;
  }
  uint64_t const limit =
      edit_.encoding == Encoding::kIntset ? ints_max() : value_of(context_.limits.set_max_listpack_entries);
  if (count > limit) leave_record();
}

bool SetEditor::add(std::string_view member) {
  if (edit_.encoding == Encoding::kIntset) {
    if (std::optional<int64_t> const integer = parse_int64(member)) return add_integer(*integer);
    leave_ints(member);
  }
  return edit_.in_body() ? body().members.add(member) : add_packed(member);
}

bool SetEditor::add_integer(int64_t integer) {
  std::optional<IntSetInsert> const insert = IntSetInsert::plan(ints(), integer);
  if (!insert) return false;
  edit_.bytes.resize(insert->bytes_after);
  insert->apply(edit_.bytes.data());
  if (ints().count() > ints_max()) leave_record();
  return true;
}

bool SetEditor::add_packed(std::string_view member) {
  PackedListView const list = packed();
  if (list.find(member)) return false;
  packed::Element const element = packed::Element::of(member);
  PackedEdit const change = PackedEdit::append(list, std::span(&element, 1));
  size_t const after = change.bytes_after(list);
  if (!fits_packed(list.count(), member) || after > packed::kBytesMax) {
    leave_record();
    return body().members.add(member);
  }
  edit_.bytes.resize(after);
  change.apply(edit_.bytes.data());
  return true;
}

/// A set of integers is about to take a member that is none.
void SetEditor::leave_ints(std::string_view member) {
  IntSetView const ints = this->ints();
  uint32_t const count = ints.count();
  size_t longest = 0;
  if (count > 0) {
    for (int64_t const end : {ints.nth(0), ints.nth(count - 1)}) {
      longest = std::max(longest, packed::Element::of_integer(end).text_bytes());
    }
  }
  if (!fits_packed(count, member) || longest > value_of(context_.limits.set_max_listpack_value)) return leave_record();
  PackedListBuilder list;
  for (uint32_t i = 0; i < count; i++) list.append_integer(ints.nth(i));
  edit_.encoding = Encoding::kPacked;
  edit_.bytes = list.finish();
}

void SetEditor::leave_record() {
  auto set = std::make_unique<SetBody>(context_.hasher);
  packed::TextScratch scratch;
  for (SetCursor cursor(reader()); std::optional<packed::Element> member = cursor.next();) {
    set->members.add(member->as_text(scratch));
  }
  edit_.become(std::move(set));
}

bool SetEditor::erase(std::string_view member) {
  if (edit_.in_body()) return body().members.erase(member);
  if (edit_.encoding == Encoding::kIntset) {
    std::optional<int64_t> const integer = parse_int64(member);
    std::optional<uint32_t> const index = integer ? ints().index_of(*integer) : std::nullopt;
    if (index) edit_.bytes.resize(int_set_erase(edit_.bytes.data(), *index));
    return index.has_value();
  }
  PackedListView const list = packed();
  char const* at = list.find(member);
  if (at) edit_.bytes.resize(PackedEdit::erase(list, at, 1).apply(edit_.bytes.data()));
  return at != nullptr;
}

std::optional<DetachedValue> SetBuilder::finish() {
  if (editor_.empty()) return std::nullopt;
  if (edit_.in_body()) return DetachedValue::of_body(ValueType::kSet, std::move(edit_.made));
  return DetachedValue::of_packed(ValueType::kSet, std::move(edit_.bytes), edit_.encoding);
}

}  // namespace holdfast
