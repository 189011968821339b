#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/number.h"
#include "structures/field_map.h"
#include "structures/int_set.h"
#include "structures/packed_list.h"
#include "values/body.h"
#include "values/detached_value.h"
#include "values/value_edit.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

// A set is, in its record, an int set up to `set-max-intset-entries` or a packed list of members up to the limits of
// `set-max-listpack-*`; a FieldSet beyond. What becomes of what is told by `SetEditor`.

/// A set that is not in its record.
class SetBody final : public Body {
 public:
  explicit SetBody(KeyHasher const& hasher) : members(hasher) {}
  explicit SetBody(FieldSet set) : members(std::move(set)) {}

  size_t memory_bytes() const override { return sizeof(SetBody) + members.memory_bytes(); }
  std::unique_ptr<Body> freeze() override { return std::make_unique<SetBody>(members.freeze()); }
  std::unique_ptr<Body> freeze_for_save(CopyBudget* budget) override {
    return budget ? std::make_unique<SetBody>(members.freeze_for_drain(*budget)) : freeze();
  }
  void prefetch(std::span<std::string_view const> elements) const override { members.prefetch(elements); }
  void relocate(BlockMover& mover) override {
    mover.position = members.relocate(mover, mover.position);
    mover.complete = mover.position == 0;
  }

  FieldSet members;
};

/// A member that is asked for in several sets, in the forms in which they hold it. Points at what it was made from, and
/// may not be moved.
class SetNeedle {
 public:
  explicit SetNeedle(packed::Element const& element)
      : integer_(element.is_integer ? std::optional(element.integer) : std::nullopt),
        text_(element.as_text(scratch_)),
        parsed_(element.is_integer) {}
  SetNeedle(SetNeedle const&) = delete;
  SetNeedle& operator=(SetNeedle const&) = delete;

  std::string_view text() const { return text_; }
  /// What a canonical integer text says.
  std::optional<int64_t> integer() const {
    if (!parsed_) {
      integer_ = parse_int64(text_);
      parsed_ = true;
    }
    return integer_;
  }
  /// Precondition: `hash` is that of the text.
  void set_hash(uint64_t hash) { hash_ = hash; }
  uint64_t hash() const { return hash_; }

 private:
  packed::TextScratch scratch_;
  mutable std::optional<int64_t> integer_;
  std::string_view text_;
  mutable bool parsed_;
  uint64_t hash_ = 0;
};

/// Reads a set in any form. Valid while the view is.
class SetReader {
 public:
  explicit SetReader(ValueView const& value)
      : encoding_(value.encoding),
        bytes_(value.bytes),
        members_(value.body ? &static_cast<SetBody const*>(value.body)->members : nullptr) {}
  explicit SetReader(FieldSet const& members) : encoding_(Encoding::kBody), members_(&members) {}

  uint64_t size() const {
    if (members_) return members_->size();
    return encoding_ == Encoding::kIntset ? ints().count() : packed().count();
  }
  bool contains(std::string_view member) const {
    if (members_) return members_->contains(member);
    return encoding_ == Encoding::kIntset ? contains_integer(parse_int64(member)) : packed().find(member) != nullptr;
  }
  /// Precondition: the needle's hash is set if the set is a FieldSet.
  bool contains(SetNeedle const& member) const {
    if (members_) return members_->contains(member.text(), member.hash());
    return encoding_ == Encoding::kIntset ? contains_integer(member.integer())
                                          : packed().find(member.text()) != nullptr;
  }
  /// The member at a position in the order of the cursor. Precondition: the set is in its record; index < size.
  packed::Element nth(uint64_t index) const {
    if (encoding_ == Encoding::kIntset) return packed::Element::of_integer(ints().nth(static_cast<uint32_t>(index)));
    return packed::read_entry(packed().seek(static_cast<int64_t>(index)));
  }

  Encoding encoding() const { return encoding_; }
  /// Null when the set is in its record.
  FieldSet const* members() const { return members_; }
  /// Precondition: kIntset.
  IntSetView ints() const { return IntSetView(bytes_); }
  /// Precondition: kPacked.
  PackedListView packed() const { return PackedListView(bytes_); }

 private:
  bool contains_integer(std::optional<int64_t> integer) const { return integer && ints().contains(*integer); }

  Encoding encoding_;
  std::string_view bytes_;
  FieldSet const* members_ = nullptr;
};

/// A walk over all members of a set that does not change meanwhile; it may pause for as long as the view is valid.
class SetCursor {
 public:
  explicit SetCursor(SetReader const& set) : ints_({}) {
    if (set.members()) {
      members_.emplace(*set.members());
    } else if (set.encoding() == Encoding::kIntset) {
      ints_ = set.ints();
      left_ = ints_.count();
    } else {
      at_ = set.packed().first();
      end_ = set.packed().terminator();
    }
  }
  /// Nothing after the last. A text lies in the set.
  std::optional<packed::Element> next() {
    if (members_) {
      std::optional<FieldEntry> entry = members_->next();
      return entry ? std::optional(packed::Element{false, 0, entry->field}) : std::nullopt;
    }
    if (at_ != end_) {
      packed::Element const element = packed::read_entry(at_);
      at_ = packed::next(at_);
      return element;
    }
    if (left_ == 0) return std::nullopt;
    return packed::Element::of_integer(ints_.nth(ints_.count() - left_--));
  }

 private:
  std::optional<FieldSet::Iterator> members_;
  char const* at_ = nullptr;
  char const* end_ = nullptr;
  IntSetView ints_;
  uint32_t left_ = 0;  // of the int set
};

/// Changes a set that Txn::edit opened, with the forms that Redis 7.2 gives it: integers alone make an int set; the
/// first other member makes it a packed list if it is small enough by then; what outgrows its limits becomes a body,
/// for ever.
class SetEditor {
 public:
  SetEditor(ValueEdit& edit, ValueContext const& context);

  SetReader reader() const { return SetReader(edit_.view()); }
  uint64_t size() const { return reader().size(); }
  bool empty() const { return size() == 0; }

  /// Takes the form that suits `count` more members, of which `first` is the first.
  void prepare(std::string_view first, uint64_t count);
  /// Becomes a body. Precondition: it is none.
  void leave_record();
  /// True when the member is new. It must not lie in the set.
  bool add(std::string_view member);
  /// True when the member was there. It may lie in the set.
  bool erase(std::string_view member);
  /// Removes the members for which `gone(Element)` says so. Precondition: not in a body; `present` is what the set
  /// holds, in bytes of its own.
  template <class Gone>
  void remove_if(SetReader const& present, Gone&& gone) {
    if (edit_.encoding == Encoding::kIntset) {
      IntSetBuilder kept;
      for (SetCursor cursor(present); std::optional<packed::Element> member = cursor.next();) {
        if (!gone(*member)) kept.add(member->integer);
      }
      edit_.bytes = kept.finish();
    } else {
      PackedListBuilder kept;
      for (SetCursor cursor(present); std::optional<packed::Element> member = cursor.next();) {
        if (!gone(*member)) kept.append(*member);
      }
      edit_.bytes = kept.finish();
    }
  }

 private:
  SetBody& body() { return *static_cast<SetBody*>(edit_.body); }
  PackedListView packed() const { return PackedListView(edit_.bytes); }
  IntSetView ints() const { return IntSetView(edit_.bytes); }
  uint64_t ints_max() const;
  bool fits_packed(uint64_t size, std::string_view member) const;
  bool add_integer(int64_t integer);
  bool add_packed(std::string_view member);
  void leave_ints(std::string_view member);

  ValueEdit& edit_;
  ValueContext context_;
};

/// Makes a set outside of any key, member by member.
class SetBuilder {
 public:
  explicit SetBuilder(ValueContext const& context) : editor_(edit_, context) {}

  SetEditor& editor() { return editor_; }
  /// Takes over a body. Precondition: nothing was added.
  void begin_with(std::unique_ptr<Body> body) { edit_.become(std::move(body)); }
  bool add(packed::Element const& member) {
    packed::TextScratch scratch;
    return editor_.add(member.as_text(scratch));
  }
  void add_all(SetReader const& set) {
    for (SetCursor cursor(set); std::optional<packed::Element> member = cursor.next();) add(*member);
  }
  /// Nothing when there is no member. To be called once.
  std::optional<DetachedValue> finish();

 private:
  ValueEdit edit_{.type = ValueType::kSet};
  SetEditor editor_;
};

}  // namespace holdfast
