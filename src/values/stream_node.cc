#include "values/stream_node.h"

#include <optional>
#include <vector>

#include "structures/packed_list.h"

namespace holdfast {
namespace {

/// A node of Redis may hold one entry that is longer than nodes are.
constexpr size_t kListpackBytesMax = kStreamNodeBytesMax / 8 * 9;

constexpr int64_t kDeleted = 1;
constexpr int64_t kSameFields = 2;

size_t integer_bytes(uint64_t value) {
  return packed::entry_bytes(packed::Element::of_integer(static_cast<int64_t>(value)));
}

/// Reads the elements of a valid listpack one after the other; the first fault sticks.
class ElementReader {
 public:
  explicit ElementReader(PackedListView list) : at_(list.first()), end_(list.terminator()), left_(list.count()) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }
  /// Elements that are left.
  size_t left() const { return left_; }
  void fail() { ok_ = false; }

  packed::Element next() {
    if (!ok_ || at_end()) {
      ok_ = false;
      return {};
    }
    packed::Element const element = packed::read_entry(at_);
    at_ = packed::next(at_);
    left_--;
    return element;
  }
  /// Numbers may have been written as texts.
  int64_t integer() {
    packed::Element const element = next();
    if (element.is_integer) return element.integer;
    std::optional<int64_t> const value = parse_int64(element.text);
    if (!value) ok_ = false;
    return value.value_or(0);
  }
  /// A number of elements that are there, `each` of them for one.
  size_t count(size_t each) {
    int64_t const value = integer();
    if (value < 0 || static_cast<uint64_t>(value) > left_ / each) ok_ = false;
    return ok_ ? static_cast<size_t>(value) : 0;
  }

 private:
  char const* at_;
  char const* end_;
  size_t left_;
  bool ok_ = true;
};

/// The texts of some elements; numbers are printed into room of its own.
class TextGatherer {
 public:
  void start(size_t count) {
    texts_.clear();
    texts_.reserve(count);
    if (scratch_.size() < count) scratch_.resize(count);
  }
  void add(packed::Element const& element) { texts_.push_back(element.as_text(scratch_[texts_.size()])); }
  std::span<std::string_view const> texts() const { return texts_; }

 private:
  std::vector<std::string_view> texts_;
  std::vector<packed::TextScratch> scratch_;
};

/// Reads one entry. False: it is damaged.
bool read_entry(ElementReader& in, StreamLeaf*& leaf, StreamId& before, TextGatherer& gatherer) {
  size_t const left_before = in.left();
  int64_t const flags = in.integer();
  StreamId const id{leaf->master.ms + static_cast<uint64_t>(in.integer()),
                    leaf->master.seq + static_cast<uint64_t>(in.integer())};
  bool const same_fields = (flags & kSameFields) != 0;
  size_t const texts = same_fields ? leaf->fields : 2 * in.count(2);
  if (!in.ok() || texts > in.left() || (flags & ~(kDeleted | kSameFields)) != 0 || id <= before ||
      id < leaf->master) {
    return false;
  }
  gatherer.start(texts);
  for (size_t i = 0; i < texts; i++) gatherer.add(in.next());
  auto const elements = static_cast<int64_t>(left_before - in.left());
  if (in.integer() != elements || !in.ok()) return false;
  before = id;
  if ((flags & kDeleted) == 0) {
    leaf = StreamLeafPolicy::append_texts(leaf, id, same_fields, gatherer.texts());
  } else {
    leaf->appended++;
    leaf->last = id;
  }
  return true;
}

}  // namespace

std::string pack_stream_node(StreamLeaf const& leaf) {
  PackedListBuilder list;
  list.append_integer(leaf.entries);
  list.append_integer(0);
  list.append_integer(leaf.fields);
  char const* names = leaf.names();
  packed::TextScratch scratch;
  for (uint32_t i = 0; i < leaf.fields; i++) list.append(stream_text::read(names, scratch).bytes);
  list.append_integer(0);
  for (StreamLeafReader reader(leaf); !reader.at_end();) {
    StreamEntry const entry = reader.next();
    int64_t const pairs = entry.pairs();
    list.append_integer(entry.same_fields() ? kSameFields : 0);
    list.append_integer(static_cast<int64_t>(entry.id().ms - leaf.master.ms));
    list.append_integer(static_cast<int64_t>(entry.id().seq - leaf.master.seq));
    if (!entry.same_fields()) list.append_integer(pairs);
    entry.for_each_pair([&](StreamText const& field, StreamText const& value) {
      if (!entry.same_fields()) list.append(field.bytes);
      list.append(value.bytes);
    });
    list.append_integer(entry.same_fields() ? pairs + 3 : 2 * pairs + 4);
  }
  return list.finish();
}

StreamLeaf* unpack_stream_node(StreamId key, std::string_view listpack, StreamId& before) {
  if (listpack.size() > kListpackBytesMax || !PackedListView::validate(listpack, true)) return nullptr;
  ElementReader in{PackedListView(listpack)};
  int64_t const entries = in.integer();
  int64_t const deleted = in.integer();
  size_t const names = in.count(1);
  TextGatherer gatherer;
  gatherer.start(names);
  for (size_t i = 0; i < names && in.ok(); i++) gatherer.add(in.next());
  if (in.integer() != 0 || !in.ok()) return nullptr;
  StreamLeaf* leaf = StreamLeafPolicy::make(key, gatherer.texts(), 1);
  while (!in.at_end()) {
    if (read_entry(in, leaf, before, gatherer)) continue;
    StreamLeafPolicy::destroy(leaf);
    return nullptr;
  }
  if (leaf->entries != entries || leaf->appended - leaf->entries != deleted) {
    StreamLeafPolicy::destroy(leaf);
    return nullptr;
  }
  leaf->packed_bytes = static_cast<uint32_t>(listpack.size() - integer_bytes(leaf->entries) -
                                             integer_bytes(leaf->appended - leaf->entries));
  return StreamLeafPolicy::trimmed(leaf);
}

}  // namespace holdfast
