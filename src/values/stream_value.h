#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "memory/copy_on_write.h"
#include "structures/stream_entries.h"
#include "structures/stream_id.h"
#include "values/body.h"
#include "values/stream_group.h"
#include "values/value_edit.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

/// A stream: entries, what is remembered of those that went, and consumer groups. A key may hold one without entries.
/// Streams have no packed form.
class StreamBody final : public Body {
 public:
  StreamBody() = default;

  size_t memory_bytes() const override { return sizeof(StreamBody) + entries_.memory_bytes() + group_bytes_; }
  std::unique_ptr<Body> freeze() override;
  /// Part 0 are the entries; then come the pending lists, of each group its own and those of its consumers.
  void relocate(BlockMover& mover) override;

  // ---- entries ----

  StreamEntries const& entries() const { return entries_; }
  uint64_t size() const { return entries_.size(); }
  /// Of the first entry; 0-0 when there is none.
  StreamId first_id() const { return entries_.first_id(); }

  StreamId last_id;         ///< the greatest that was ever added, or set by XSETID
  StreamId max_deleted_id;  ///< the greatest that XDEL took
  uint64_t entries_added = 0;

  /// Adds an entry (field, value, ...). Precondition: last_id < id.
  void append(StreamId id, std::span<std::string_view const> pairs, StreamNodeLimits const& limits);
  /// XDEL of one entry; false when it is not there.
  bool erase(StreamId id);
  /// Removes the oldest entries. Precondition: count <= size().
  void erase_front(uint64_t count) { entries_.erase_front(count); }
  /// Loading: the next node.
  void append_node(StreamLeaf* leaf) { entries_.append_node(leaf); }

  /// Whether something from `from` on may have been deleted out of the middle.
  bool has_gaps_from(StreamId from) const {
    return size() > 0 && max_deleted_id != StreamId() && from <= max_deleted_id && first_id() <= max_deleted_id;
  }
  /// How many of all entries ever added are not behind `id`, as far as that can be told; else StreamGroup::kUnknown.
  int64_t estimate_entries_read(StreamId id) const;
  /// How many entries the group has yet to read; nothing when that cannot be told.
  std::optional<int64_t> lag_of(StreamGroup const& group) const;

  // ---- groups, in the order of their names ----

  size_t groups() const { return groups_->size(); }
  /// Precondition: index < groups().
  StreamGroup const& group(size_t index) const { return *(*groups_)[index]; }
  std::optional<size_t> find_group(std::string_view name) const;

  /// A group while it is changed. At most one of a stream at a time.
  class GroupEdit {
   public:
    GroupEdit(StreamBody& stream, StreamGroup& group)
        : stream_(stream), group_(group), bytes_(group.memory_bytes()) {}
    GroupEdit(GroupEdit const&) = delete;
    GroupEdit& operator=(GroupEdit const&) = delete;
    ~GroupEdit() { stream_.group_bytes_ += group_.memory_bytes() - bytes_; }
    StreamGroup& operator*() const { return group_; }
    StreamGroup* operator->() const { return &group_; }

   private:
    StreamBody& stream_;
    StreamGroup& group_;
    size_t bytes_;
  };
  GroupEdit edit_group(size_t index) { return {*this, groups_.own()[index].own()}; }
  /// Puts in a group whose name there is not yet. Returns its index.
  size_t add_group(StreamGroup group);
  void remove_group(size_t index);

 private:
  using Groups = std::vector<CopyOnWrite<StreamGroup>>;

  size_t group_rank(std::string_view name) const;

  StreamEntries entries_;
  CopyOnWrite<Groups> groups_;
  size_t group_bytes_ = 0;
};

/// The stream of a key.
inline StreamBody const& stream_of(ValueView const& value) { return *static_cast<StreamBody const*>(value.body); }
/// The stream of an edit; of a new key, a new one.
StreamBody& open_stream(ValueEdit& edit);

/// When nodes are full now.
StreamNodeLimits stream_node_limits(ValueLimits const& limits);

/// Room for the text of any id.
struct StreamIdText {
  explicit StreamIdText(StreamId id);
  std::string_view view() const { return {bytes, size}; }
  operator std::string_view() const { return view(); }  // NOLINT: a text by another name

  size_t size;
  char bytes[41];
};

}  // namespace holdfast
