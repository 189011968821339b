#include "values/hash_value.h"

namespace holdfast {
namespace {

constexpr std::string_view kEmptyPacked("\x07\x00\x00\x00\x00\x00\xFF", kPackedEmptyBytes);

}  // namespace

std::optional<HashValue> HashReader::find_packed(std::string_view field) const {
  char const* at = packed_.find(field, 1);
  if (!at) return std::nullopt;
  return HashValue{.element = packed::read_entry(packed::next(at))};
}

std::optional<HashValue> HashReader::find_in_schema(std::string_view field) const {
  std::optional<size_t> const index = schema_->index_of(packed::Needle(field));
  if (!index) return std::nullopt;
  return HashValue{.element = packed::read_entry(value_in_schema(*index))};
}

char const* HashReader::value_in_schema(size_t index) const {
  char const* at = schema_values(packed_.bytes()).data();
  while (index-- > 0) at = packed::next(at);
  return at;
}

HashEntry HashReader::entry(uint64_t index) const {
  if (!schema_) {
    char const* field = packed_.seek(static_cast<int64_t>(2 * index));
    return {.field = packed::read_entry(field), .value = {.element = packed::read_entry(packed::next(field))}};
  }
  std::string_view const names = schema_->names();
  char const* field = packed::advance(names.data(), names.data() + names.size(), index);
  return {.field = packed::read_entry(field), .value = {.element = packed::read_entry(value_in_schema(index))}};
}

HashEditor::HashEditor(ValueEdit& edit, ValueContext const& context) : edit_(edit), context_(context) {
  if (!edit.in_body() && edit.bytes.empty()) edit.bytes = kEmptyPacked;
}

bool HashEditor::is_long(std::string_view text) const {
  return text.size() > context_.limits.hash_max_listpack_value.load(std::memory_order_relaxed);
}

void HashEditor::prepare(std::span<std::string_view const> pairs) {
  if (edit_.in_body()) return;
  size_t bytes = edit_.bytes.size();
  bool leave = false;
  for (std::string_view text : pairs) {
    bytes += text.size();
    leave |= is_long(text);
  }
  // With limits like these a packed list could become longer than it can be.
  leave = leave || bytes > packed::kBytesMax / 2;
  if (leave) leave_record(false);
}

bool HashEditor::set(std::string_view field, std::string_view value, std::optional<int64_t> expire_ms) {
  bool const left_limits = is_long(field) || is_long(value);
  if (!edit_.in_body()) {
    if (expire_ms || left_limits) {
      leave_record(!left_limits);
    } else {
      bool const is_new = !replace_in_schema(field, value) && set_packed(field, value);
      if (size() > context_.limits.hash_max_listpack_entries.load(std::memory_order_relaxed)) leave_record(false);
      return is_new;
    }
  }
  HashBody& hash = body();
  bool const is_new = hash.fields.put(field, value, expire_ms);
  if (hash.small &&
      (left_limits || hash.fields.size() > context_.limits.hash_max_listpack_entries.load(std::memory_order_relaxed))) {
    hash.small = false;
  }
  return is_new;
}

bool HashEditor::replace_in_schema(std::string_view field, std::string_view value) {
  if (edit_.encoding != Encoding::kSchema) return false;
  HashSchema const& schema = HashSchema::of(edit_.bytes);
  std::optional<size_t> const index = schema.index_of(packed::Needle(field));
  if (!index) return false;
  char const* old = HashReader(edit_.view()).value_in_schema(*index);
  auto const offset = static_cast<size_t>(old - edit_.bytes.data());
  size_t const before = packed::entry_bytes_at(old);
  packed::Element const element = packed::Element::of(value);
  edit_.bytes.replace(offset, before, packed::entry_bytes(element), '\0');
  packed::write_entry(edit_.bytes.data() + offset, element);
  return true;
}

void HashEditor::change_names() {
  edit_.names_changed = true;
  if (edit_.encoding != Encoding::kSchema) return;
  edit_.bytes = packed_form(edit_.bytes);
  edit_.encoding = Encoding::kPacked;
}

bool HashEditor::set_packed(std::string_view field, std::string_view value) {
  if (edit_.encoding == Encoding::kSchema) change_names();
  PackedListView const list = packed();
  char const* at = list.find(field, 1);
  packed::Element const elements[] = {packed::Element::of(field), packed::Element::of(value)};
  if (at) {
    apply(PackedEdit::replace(list, packed::next(at), 1, std::span(elements).subspan(1)));
  } else {
    change_names();
    apply(PackedEdit::append(list, elements));
  }
  return at == nullptr;
}

void HashEditor::apply(PackedEdit const& change) {
  size_t const after = change.bytes_after(packed());
  if (after > edit_.bytes.size()) edit_.bytes.resize(after);
  change.apply(edit_.bytes.data());
  edit_.bytes.resize(after);
}

bool HashEditor::erase(std::string_view field) {
  if (edit_.in_body()) return body().fields.erase(field);
  if (edit_.encoding == Encoding::kSchema && !HashReader(edit_.view()).contains(field)) return false;
  change_names();
  char const* at = packed().find(field, 1);
  if (at) apply(PackedEdit::erase(packed(), at, 2));
  return at != nullptr;
}

void HashEditor::set_expiry(std::string_view field, std::optional<int64_t> expire_ms) {
  if (!edit_.in_body()) {
    if (!expire_ms) return;
    leave_record(true);
  }
  body().fields.set_expiry(field, expire_ms);
}

void HashEditor::leave_record(bool small) {
  auto hash = std::make_unique<HashBody>(context_.hasher);
  hash->small = small;
  packed::TextScratch field;
  packed::TextScratch value;
  for (HashCursor cursor(edit_.view()); std::optional<HashEntry> entry = cursor.next();) {
    hash->fields.put(entry->field.as_text(field), entry->value.element.as_text(value));
  }
  edit_.become(std::move(hash));
}

}  // namespace holdfast
