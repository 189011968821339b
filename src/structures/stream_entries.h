#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "structures/counted_tree.h"
#include "structures/stream_id.h"
#include "structures/stream_leaf.h"

namespace holdfast {

/// What is trimmed away from the front: either all but `entries_max` entries, or all before `min_id`.
struct StreamTrim {
  enum class By : uint8_t { kLength, kId };
  By by = By::kLength;
  uint64_t entries_max = 0;
  StreamId min_id{};
  bool approximate = false;    ///< only whole nodes go
  uint64_t removed_max = 0;    ///< approximate only; 0: no limit
};

/// The entries of a stream: a CountedTree, by id, of nodes (StreamLeaf).
///
/// Appending and trimming at the front are O(log n) in nodes; a search is that and a walk over one node. An entry takes
/// its values and a byte for each, and one to four bytes for its id.
/// A frozen one may be read and destroyed on any thread; otherwise the owner locks.
class StreamEntries {
 public:
  using Tree = CountedTree<StreamLeafPolicy>;

  /// Walks forward. At an entry or at the end; valid until the next change of its handle, and so are the texts.
  class Cursor {
   public:
    explicit operator bool() const { return !at_end_; }
    StreamEntry const& entry() const { return entry_; }
    StreamId id() const { return entry_.id(); }
    void next() {
      at_.set_slot(at_.slot() + 1);
      take();
    }
    /// Entries before this one; all of them at the end.
    uint64_t rank() const { return at_.has_leaf() ? at_.rank() : 0; }
    /// To the first entry from here on that is not less than `id`. Cheap when it is in the same node.
    void seek_forward(StreamId id);

   private:
    friend class StreamEntries;
    Cursor(StreamEntries const* entries, Tree::Cursor const& at);
    void take();

    StreamEntries const* entries_;
    Tree::Cursor at_;
    StreamLeafReader reader_;
    StreamEntry entry_;
    bool at_end_ = false;
  };

  /// Walks backward, from the last entry that is not over `id`.
  class Backward {
   public:
    Backward(StreamEntries const& entries, StreamId from);
    explicit operator bool() const { return left_ > 0; }
    /// Precondition: not at the end.
    StreamEntry entry() const;
    void next();

   private:
    struct Place {
      uint32_t offset;
      StreamId before;
    };
    void find_places();

    Tree::Cursor at_;
    uint64_t left_ = 0;          // entries of this node that are still to come, the present one with them
    std::vector<Place> places_;  // of those, once more than the last entry of the node was asked for
  };

  uint64_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }
  /// Of blocks and shared buffers reachable from here.
  size_t memory_bytes() const { return tree_.memory_bytes(); }
  /// Another handle of the present content. O(1).
  StreamEntries freeze() const;

  /// Puts an entry (field, value, ...) behind all others. Precondition: `id` is over the last id that was ever appended.
  void append(StreamId id, std::span<std::string_view const> pairs, StreamNodeLimits const& limits);
  /// False when there is no such entry.
  bool erase(StreamId id);
  /// How many entries at the front a trim takes.
  uint64_t count_of(StreamTrim const& trim) const;
  /// Removes that many. Precondition: count <= size().
  void erase_front(uint64_t count) { tree_.erase_range(0, count); }

  bool contains(StreamId id) const;
  /// Of the first and the last entry; 0-0 when there is none.
  StreamId first_id() const;
  StreamId last_id() const;
  Cursor first() const { return Cursor(this, tree_.first()); }
  /// The first entry not less than `id`, or the end.
  Cursor lower_bound(StreamId id) const { return Cursor(this, tree_.lower_bound(id)); }
  /// Entries before `id`.
  uint64_t rank(StreamId id) const;
  uint64_t nodes() const { return tree_.leaves(); }

  /// Loading: puts a node behind all others.
  void append_node(StreamLeaf* leaf) { tree_.append(leaf); }
  /// As CountedTree::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t rank) { return tree_.relocate(mover, rank); }

  Tree const& tree() const { return tree_; }

 private:
  Tree tree_;
};

}  // namespace holdfast
