#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "structures/block_list.h"
#include "structures/packed_list.h"
#include "values/body.h"
#include "values/list_limit.h"
#include "values/value_edit.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

// A list is a packed list in its record up to kListPackedBytesMax, and a body of blocks beyond: long before Redis would
// change the form, since a push to a block moves nothing. What OBJECT ENCODING says follows Redis's rule all the same. A
// packed list is always a "listpack"; a body knows whether it counts as one.

/// Longest list that lies in its record, bytes of the packed list.
inline constexpr size_t kListPackedBytesMax = 1024;

enum class ListEnd : uint8_t { kHead, kTail };

/// A list that is too big for its record.
class ListBody final : public Body {
 public:
  ListBody() = default;
  ListBody(BlockList list, bool is_quicklist) : blocks(std::move(list)), quicklist(is_quicklist) {}

  size_t memory_bytes() const override { return sizeof(ListBody) + blocks.memory_bytes(); }
  std::unique_ptr<Body> freeze() override { return std::make_unique<ListBody>(blocks.freeze(), quicklist); }
  void relocate(BlockMover& mover) override {
    mover.position = blocks.relocate(mover, mover.position);
    mover.complete = mover.position == blocks.size();
  }

  /// Whether all elements in one packed list, header included, would take at most `bytes` bytes. Looks at few blocks.
  bool packs_into(size_t bytes) const;

  BlockList blocks;
  bool quicklist = false;  ///< what OBJECT ENCODING says; else it is called a listpack
};

/// Reads a list in either form. Valid while the view is.
class ListReader {
 public:
  using Element = packed::Element;

  /// An element, or one of the ends. As long as the list does not change.
  class Cursor {
   public:
    explicit operator bool() const { return packed_ != nullptr || body_; }
    Element element() const { return packed_ ? packed::read_entry(packed_) : body_.element(); }
    bool matches(packed::Needle const& needle) const { return packed_ ? needle.matches(packed_) : body_.matches(needle); }
    /// Of an element that has one; else null. The list keeps its reference.
    SharedBuffer* buffer() const { return packed_ ? nullptr : body_.buffer(); }
    void next();
    void previous();

   private:
    friend class ListReader;
    char const* packed_ = nullptr;
    char const* first_ = nullptr;
    char const* end_ = nullptr;
    BlockList::Cursor body_;
  };

  explicit ListReader(ValueView const& value)
      : blocks_(value.body ? &static_cast<ListBody const*>(value.body)->blocks : nullptr), packed_(value.bytes) {}

  uint64_t size() const { return blocks_ ? blocks_->size() : packed_.count(); }
  /// Precondition: index < size().
  Cursor at(uint64_t index) const;
  /// Calls `visit(Element, SharedBuffer*)` with the elements [first, first + count) that there are, head first.
  template <class Visit>
  void for_each(uint64_t first, uint64_t count, Visit&& visit) const {
    if (blocks_) return blocks_->for_each(first, count, visit);
    char const* at = packed_.seek(static_cast<int64_t>(first));
    if (!at) return;
    for (; count > 0 && at != packed_.terminator(); count--, at = packed::next(at)) {
      visit(packed::read_entry(at), static_cast<SharedBuffer*>(nullptr));
    }
  }

 private:
  BlockList const* blocks_;
  PackedListView packed_;  // when there are no blocks
};

/// Changes a list that Txn::edit opened. Texts that are put in must not lie in the list.
class ListEditor {
 public:
  ListEditor(ValueEdit& edit, ValueLimits const& limits);

  uint64_t size() const { return ListReader(edit_.view()).size(); }
  bool empty() const { return size() == 0; }
  ListReader reader() const { return ListReader(edit_.view()); }

  /// Puts the texts in one after the other, so the last one comes to lie at the end.
  void push(ListEnd end, std::span<std::string_view const> texts);
  void push(ListEnd end, std::string_view text) { push(end, std::span(&text, 1)); }
  /// Removes [first, last). Precondition: first <= last <= size().
  void erase(uint64_t first, uint64_t last);
  /// Precondition: index < size().
  void set(uint64_t index, std::string_view text);
  /// Precondition: index <= size().
  void insert(uint64_t index, std::string_view text);
  /// Removes up to `limit` elements with this text, from the head or from the tail on. Returns how many.
  uint64_t remove(std::string_view text, uint64_t limit, ListEnd from);

 private:
  BlockList& blocks() { return static_cast<ListBody*>(edit_.body)->blocks; }
  PackedListView packed() const { return PackedListView(edit_.bytes); }
  /// Takes the form that the list must have to take in `count` texts of together `text_bytes`.
  void prepare_growth(uint64_t count, size_t text_bytes);
  void leave_record(bool quicklist);
  void push_packed(ListEnd end, std::span<std::string_view const> texts);
  /// After a removal: a quicklist that became small enough is a listpack again.
  void settle();

  ValueEdit& edit_;
  ListLimit limit_;
};

}  // namespace holdfast
