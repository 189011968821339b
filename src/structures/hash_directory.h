#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "memory/block_heap.h"
#include "memory/block_mover.h"
#include "structures/hash_chunk.h"
#include "structures/touched_places.h"

namespace holdfast {

// Extendible hashing over reference-counted chunks: the body of big hashes and sets (field_map.h) and the member index
// of sorted sets (score_index.h). Persistent by path copying, see structures/chunk.h.
//
//   root (node of up to 256 slots, indexed by the first 8 bits of the hash; or the only chunk)
//     |-> node (the next 8 bits) ... |-> HashChunk: up to 2 KiB of packed entries (hash_chunk.h)
//
// * A node with 2^b slots is an extendible directory of its own: a chunk of less depth stands in several neighbouring
// slots
//   (and is one reference of the node). When a chunk splits that has only one slot, the node doubles, up to 256 slots;
//   from then on the slot gets a child node. So growth copies at most one chunk and one node, and there is no rehash.
// * Chunks, their groups and so the whole walk stand in the order of the hash. Splitting and merging never moves an
// entry
//   across a scan position, so a cursor that is a hash prefix keeps SCAN's guarantee.
// * Neighbours merge when both are sparse, and a node whose slots are all alike collapses.
// * `freeze` takes one reference of the root. A writer that meets a shared node copies it (and takes up to 256
// references),
//   then the shared chunk; what nobody else sees is changed in place.
// * A handle frozen for a save is emptied by who writes it: `take` gives a chunk away and leaves its slots empty. Only such a
//   handle has empty slots.
// * Chunks and nodes keep a lower bound of the expiry of what is below, so that due entries are found without a walk.
//
// Cost: 8 bytes of directory and 16 + 2 * groups bytes of header for about 1.5 KiB of entries.
// Thread rule: a handle is guarded by its owner's lock; a frozen handle may be read and destroyed on any thread.
//
// Entries (copied into each handle):
//   static constexpr int kHashBits;               leading bits of the hash that `hash` gives back, <= 48
//   static size_t bytes(char const* entry)        size of a packed entry, >= 1
//   uint64_t hash(char const* entry) const        its hash
//   static void retain(char const* entry)         counts the references in a copy of the entry
//   static void release(char const* entry)        drops them
//   static size_t referenced_bytes(char const* entry)    what they refer to; only where entries may hold references
template <class Entries>
class HashDirectory {
 public:
  static constexpr int kLevelBits = 8;
  /// Chunks of this depth no longer split (unreachable unless the hash is broken; they grow instead).
  static constexpr int kDepthMax = Entries::kHashBits - HashChunk::kGroupBitsMax;
  static constexpr int kLevelsMax = (kDepthMax + kLevelBits - 1) / kLevelBits;
  static constexpr int kCursorBits = 48;

  explicit HashDirectory(Entries entries) : entries_(entries) {}
  HashDirectory(HashDirectory&& other) noexcept
      : entries_(other.entries_),
        root_(std::exchange(other.root_, Ref{})),
        size_(std::exchange(other.size_, 0)),
        bytes_(std::exchange(other.bytes_, 0)),
        touched_(std::move(other.touched_)) {}
  HashDirectory& operator=(HashDirectory&& other) noexcept {
    HashDirectory taken(std::move(other));
    std::swap(entries_, taken.entries_);
    std::swap(root_, taken.root_);
    std::swap(size_, taken.size_);
    std::swap(bytes_, taken.bytes_);
    std::swap(touched_, taken.touched_);
    return *this;
  }
  ~HashDirectory() {
    if (root_) release(root_);
  }

  /// Another handle on the present content. O(1).
  HashDirectory freeze() const {
    HashDirectory frozen(entries_);
    frozen.root_ = root_;
    frozen.size_ = size_;
    frozen.bytes_ = bytes_;
    if (root_) root_.header()->add_ref();
    frozen.touched_ = touched_.writer();
    return frozen;
  }
  /// The same, to be emptied by a HashDrain; until that has ended this handle notes what it copies. O(1).
  HashDirectory freeze_for_drain(CopyBudget& budget) {
    HashDirectory frozen = freeze();
    frozen.touched_ = TouchedRef<uint64_t>::reader(budget);
    touched_ = frozen.touched_.writer();
    return frozen;
  }
  /// Whether it was made so.
  bool drains() const { return touched_.reads(); }
  TouchedPlaces<uint64_t>& touched() { return touched_.places(); }

  Entries const& entries() const { return entries_; }
  size_t size() const { return size_; }
  /// Bytes of chunks and nodes.
  size_t memory_bytes() const { return bytes_; }

  /// The chunk of a hash; null when there is none yet.
  HashChunk const* leaf(uint64_t hash) const {
    Ref ref = root_;
    for (int level = 0; ref.is_node(); level++) ref = ref.node()->slots()[slot_of(hash, level, ref.node_bits())];
    if (ref) prefetch_likely(ref, hash);
    return ref.chunk();
  }
  /// The chunk of a hash, for changes: what is shared on the way is copied. Makes the first chunk of an empty
  /// directory. Valid until the next `own`, `open` or `closed`.
  HashChunk* own(uint64_t hash) {
    Path path;
    return own_path(hash, path);
  }
  /// A place for a new entry of this hash. `chunk` is what `own(hash)` gave.
  char* open(HashChunk* chunk, uint64_t hash, size_t bytes) {
    while (chunk->free() < bytes) [[unlikely]] chunk = make_room(hash, bytes);
    size_++;
    return chunk->open(chunk->group_of(hash), bytes);
  }
  /// Takes an entry out of the chunk that `own(hash)` gave; its references are the caller's now. It may be put back by
  /// `open` with the same chunk. Call `tidy(hash)` after an erase.
  void close(HashChunk* chunk, uint64_t hash, char* entry, size_t bytes) {
    chunk->close(chunk->group_of(hash), entry, bytes);
    size_--;
  }
  /// Gives back the memory of the chunk of this hash if it became sparse; may merge it with its neighbour.
  void tidy(HashChunk const* chunk, uint64_t hash) {
    if (is_sparse(*chunk)) [[unlikely]]
      shrink(hash);
  }

  /// Notes that an entry of this hash expires at `unit`. Precondition: the path is owned.
  void lower_due(uint64_t hash, uint32_t unit) {
    Ref ref = root_;
    for (int level = 0; ref.is_node(); level++) {
      Node* node = ref.node();
      node->due = std::min(node->due, unit);
      ref = node->slots()[slot_of(hash, level, node->bits)];
    }
    ref.chunk()->due = std::min(ref.chunk()->due, unit);
  }
  /// No entry expires before this unit.
  uint32_t due() const { return root_ ? root_.due() : kNeverDue; }
  /// Calls `expire(HashChunk&) -> bool go_on` for every chunk whose bound is not after `now`; it may take entries out
  /// with HashChunk::close and should set the new bound.
  template <class Expire>
  void visit_due(uint32_t now, Expire&& expire) {
    if (due() > now) return;
    std::vector<uint64_t> sparse;
    if (root_.is_node()) {
      visit_due_below(root_, 0, 0, now, expire, sparse);
    } else {
      expire_chunk(own(0), 0, expire, sparse);
    }
    for (uint64_t hash : sparse) tidy(own(hash), hash);
  }

  /// Takes the chunk of a hash out of this handle, without copying it: its reference is the caller's now, who gives it to
  /// `let_go`. Null when there is none (any more).
  HashChunk* take(uint64_t hash) {
    if (!leaf(hash)) return nullptr;
    Ref* place = &root_;
    Node* parent = nullptr;
    int level = 0;
    for (; place->is_node(); level++) {
      parent = own_node(*place);
      place = &parent->slots()[slot_of(hash, level, parent->bits)];
    }
    HashChunk* chunk = place->chunk();
    if (parent) {
      set_slots(parent, level - 1, hash, chunk->depth, Ref());
    } else {
      root_ = Ref();
    }
    size_ -= chunk->count;
    bytes_ -= block_heap_bytes(chunk->header.capacity);
    return chunk;
  }
  /// The same for the first chunk from `hash` on, which becomes the first hash behind it, 0 after the last. Null when none is
  /// left.
  HashChunk* take_first(uint64_t& hash) {
    do {
      Ref ref = root_;
      int bits = 0;
      for (int level = 0; ref.is_node(); level++) {
        bits = level * kLevelBits + ref.node_bits();
        ref = ref.node()->slots()[slot_of(hash, level, ref.node_bits())];
      }
      if (ref) {
        HashChunk* chunk = take(hash);
        hash = after(*chunk, hash);
        return chunk;
      }
      hash = next_prefix(hash, bits);
    } while (hash != 0);
    return nullptr;
  }
  /// Drops the reference that `take` gave.
  static void let_go(HashChunk* chunk) { release(Ref(chunk)); }
  /// Of a chunk: what its entries refer to, bytes.
  static size_t referenced_bytes(HashChunk const& chunk) {
    size_t bytes = 0;
    if constexpr (requires { Entries::referenced_bytes; })
      for_each_reference(chunk, [&](char const* entry) { bytes += Entries::referenced_bytes(entry); });
    return bytes;
  }

  /// One step of a scan: `visit(char const* entry)` for the group that `position` (a hash prefix of kCursorBits) falls
  /// in. Returns the position of the next group, 0 after the last.
  template <class Visit>
  uint64_t scan(uint64_t position, Visit&& visit) const {
    if (!root_) return 0;
    uint64_t const hash = position << (64 - kCursorBits);
    HashChunk const* chunk = leaf(hash);
    size_t const group = chunk->group_of(hash);
    for (char const* entry = chunk->group_begin(group); entry < chunk->group_end(group); entry += Entries::bytes(entry))
      visit(entry);
    return next_prefix(hash, chunk->depth + chunk->group_bits) >> (64 - kCursorBits);
  }
  /// The first hash behind the chunk of `hash`; 0 after the last chunk.
  static uint64_t after(HashChunk const& chunk, uint64_t hash) { return next_prefix(hash, chunk.depth); }

  /// Some entry, each with the same probability. `random()` gives independent uint64_t. Null when there is none.
  template <class RandomNumbers>
  char const* sample(RandomNumbers&& random) const;

  /// Moves the blocks from `hash` on as long as the mover says. Returns the hash to go on with; 0 at the end. What is shared
  /// stays, with all that hangs below.
  uint64_t relocate(BlockMover& mover, uint64_t hash) {
    if (!root_) return 0;
    uint64_t entries;
    do {
      entries = relocate_chunk(mover, hash);
    } while (hash != 0 && !mover.spent(entries));
    return hash;
  }

  /// Asks the processor for the head of the chunk of `hash`, and for where its entries should be.
  void prefetch(uint64_t hash) const {
    if (HashChunk const* chunk = leaf(hash)) prefetch_line(chunk);
  }
  /// The same for several elements, on all levels at once: while a slot of one is on its way, the next ones are asked for.
  template <class HashOf>
  void prefetch(std::span<std::string_view const> elements, HashOf&& hash_of) const {
    constexpr size_t kAtOnce = 16;
    if (!root_) return;
    for (; !elements.empty(); elements = elements.subspan(std::min(elements.size(), kAtOnce))) {
      size_t const count = std::min(elements.size(), kAtOnce);
      uint64_t hashes[kAtOnce];
      for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(elements[i]);
        prefetch_second_slot(hashes[i]);
      }
      for (size_t i = 0; i < count; i++) prefetch(hashes[i]);
    }
  }

 private:
  struct Node;

  /// A counted pointer to a chunk or a node; counting is by hand. The upper 16 bits say what never changes in it, so that
  /// its memory can be asked for before its head has arrived. Of a chunk: depth (6 bits), group bits (3), capacity / 64 (7);
  /// of a node: the bits that its slots stand for.
  class Ref {
   public:
    Ref() = default;
    Ref(HashChunk* chunk)
        : word_(reinterpret_cast<uint64_t>(chunk) | uint64_t{chunk->depth} << 48 | uint64_t{chunk->group_bits} << 54 |
                std::min<uint64_t>(chunk->header.capacity / 64, 127) << 57) {}
    Ref(Node* node) : word_(reinterpret_cast<uint64_t>(node) | 1 | uint64_t{node->bits} << 48) {}
    explicit operator bool() const { return word_ != 0; }
    bool operator==(Ref const&) const = default;
    bool is_node() const { return word_ & 1; }
    HashChunk* chunk() const { return reinterpret_cast<HashChunk*>(word_ & kAddress); }
    Node* node() const { return reinterpret_cast<Node*>(word_ & kAddress & ~uint64_t{1}); }
    int node_bits() const { return static_cast<int>(word_ >> 48); }
    ChunkHeader* header() const { return reinterpret_cast<ChunkHeader*>(word_ & kAddress & ~uint64_t{1}); }
    uint32_t due() const { return is_node() ? node()->due : chunk()->due; }

    // Of a chunk.
    int depth() const { return word_ >> 48 & 63; }
    /// About where in the chunk the group of `hash` begins, when the entries of the others are alike.
    char const* likely_group(uint64_t hash) const {
      int const bits = word_ >> 54 & 7;
      size_t const head_bytes = sizeof(HashChunk) + (sizeof(uint16_t) << bits);
      size_t const data_bytes = (word_ >> 57) * 64 * 15 / 16 - head_bytes;
      size_t const group = HashChunk::group_of(hash, depth(), bits);
      return reinterpret_cast<char const*>(chunk()) + head_bytes + (data_bytes * group >> bits);
    }

   private:
    static constexpr uint64_t kAddress = (uint64_t{1} << 48) - 1;
    uint64_t word_ = 0;
  };

  struct Node {
    ChunkHeader header;
    uint32_t due;
    uint8_t bits;
    explicit Node(int bits_now)
        : header(static_cast<uint32_t>(bytes_for(bits_now))), due(kNeverDue), bits(static_cast<uint8_t>(bits_now)) {}
    Ref* slots() { return reinterpret_cast<Ref*>(this + 1); }
    size_t slot_count() const { return size_t{1} << bits; }
    static size_t bytes_for(int bits) { return sizeof(Node) + (sizeof(Ref) << bits); }
  };
  static_assert(sizeof(Node) == 16);

  /// The owned nodes from the root to a chunk.
  struct Path {
    Node* nodes[kLevelsMax];
    int levels = 0;
    Node* last() const { return nodes[levels - 1]; }
  };

  static size_t slot_of(uint64_t hash, int level, int bits) {
    return (hash << (level * kLevelBits)) >> 1 >> (63 - bits);
  }
  static uint64_t next_prefix(uint64_t hash, int bits) {
    return bits == 0 ? 0 : ((hash >> (64 - bits)) + 1) << (64 - bits);
  }
  /// The slot in the second node on the way; the root is taken to be in the cache.
  void prefetch_second_slot(uint64_t hash) const {
    if (!root_.is_node()) return;
    Ref const child = root_.node()->slots()[slot_of(hash, 0, root_.node_bits())];
    if (child.is_node()) prefetch_line(&child.node()->slots()[slot_of(hash, 1, child.node_bits())]);
  }
  /// The head of a chunk and the group take a cache miss each; this lets them happen at the same time. Four lines: the
  /// guess is off by the spread of a binomial distribution, about 80 bytes (measured: 25 % of a lookup among 1M
  /// entries).
  static void prefetch_likely(Ref ref, uint64_t hash) {
    char const* likely = ref.likely_group(hash);
    for (int line = -1; line <= 2; line++) prefetch_line(likely + line * 64);
  }
  static void prefetch_line(void const* address) {
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<char const*>(address)));
  }
  /// Half as much again would not fill it: it is worth a look whether less memory will do.
  static bool is_sparse(HashChunk const& chunk) { return chunk.used() + chunk.used() / 2 <= chunk.header.capacity; }

  // Memory. Everything that belongs to this handle is counted in bytes_.

  Node* make_node(int bits) {
    Node* node = new (allocate_block(Node::bytes_for(bits))) Node(bits);
    bytes_ += block_heap_bytes(node->header.capacity);
    return node;
  }
  HashChunk* counted(HashChunk* chunk) {
    bytes_ += block_heap_bytes(chunk->header.capacity);
    return chunk;
  }
  /// Frees a unique node or chunk whose content has gone elsewhere.
  template <class Block>
  void discard(Block* block) {
    bytes_ -= block_heap_bytes(block->header.capacity);
    free_block(block, block->header.capacity);
  }
  /// Drops one reference, and what hangs below with the last. Recursion is as deep as the directory.
  static void release(Ref ref) {
    if (!ref.header()->drop_ref()) return;
    if (ref.is_node()) {
      for_each_child(ref.node(), [](Ref child) { release(child); });
    } else {
      for_each_reference(*ref.chunk(), &Entries::release);
    }
    free_block(ref.header(), ref.header()->capacity);
  }
  template <class Visit>
  static void for_each_child(Node* node, Visit&& visit) {
    Ref last;
    for (size_t i = 0; i < node->slot_count(); i++) {
      Ref const child = node->slots()[i];
      if (child && child != last) visit(child);
      last = child;
    }
  }
  template <class Visit>
  static void for_each_reference(HashChunk const& chunk, Visit&& visit) {
    if (!chunk.may_have_references) return;
    for (char const* entry = chunk.data(); entry < chunk.data_end(); entry += Entries::bytes(entry)) visit(entry);
  }

  // Ways down.

  HashChunk* own_path(uint64_t hash, Path& path) {
    if (!root_) root_ = counted(HashChunk::make(HashChunk::capacity_for(0), 0, 0));
    Ref* place = &root_;
    while (place->is_node()) {
      Node* node = own_node(*place);
      place = &node->slots()[slot_of(hash, path.levels, node->bits)];
      path.nodes[path.levels++] = node;
    }
    HashChunk* chunk = place->chunk();
    prefetch_likely(*place, hash);
    if (!chunk->header.unique()) [[unlikely]] {
      HashChunk* copy = copy_chunk(chunk, hash);
      put(path, hash, copy);
      chunk = copy;
    }
    return chunk;
  }
  /// The node at `place`, which is replaced by a copy when it is shared.
  Node* own_node(Ref& place) {
    Node* node = place.node();
    if (node->header.unique()) [[likely]]
      return node;
    Node* copy = new (allocate_block(Node::bytes_for(node->bits))) Node(node->bits);
    copy->due = node->due;
    for_each_child(node, [](Ref child) { prefetch_line(child.header()); });
    std::memcpy(static_cast<void*>(copy->slots()), node->slots(), node->slot_count() * sizeof(Ref));
    for_each_child(copy, [](Ref child) { child.header()->add_ref(); });
    release(place);
    place = copy;
    return copy;
  }
  /// A copy of a shared chunk, whose reference is dropped.
  HashChunk* copy_chunk(HashChunk* chunk, uint64_t hash) {
    HashChunk* copy = HashChunk::copy(*chunk, chunk->header.capacity);
    for_each_reference(*copy, &Entries::retain);
    if (touched_) touched_.note(hash, block_heap_bytes(copy->header.capacity) + referenced_bytes(*copy));
    release(chunk);
    return copy;
  }
  /// Puts `chunk` into all slots of its prefix.
  static void set_slots(Node* node, int level, uint64_t hash, HashChunk* chunk) {
    set_slots(node, level, hash, chunk->depth, Ref(chunk));
  }
  static void set_slots(Node* node, int level, uint64_t hash, int depth, Ref ref) {
    size_t const span = size_t{1} << (level * kLevelBits + node->bits - depth);
    size_t const first = slot_of(hash, level, node->bits) & ~(span - 1);
    std::fill_n(node->slots() + first, span, ref);
  }
  /// Puts `chunk` in the place of the chunk at the end of the path.
  void put(Path const& path, uint64_t hash, HashChunk* chunk) {
    if (path.levels == 0) {
      root_ = chunk;
    } else {
      set_slots(path.last(), path.levels - 1, hash, chunk);
    }
  }
  /// Puts `ref` where the last node of the path stands.
  void replace_last(Path const& path, uint64_t hash, Ref ref) {
    if (path.levels == 1) {
      root_ = ref;
    } else {
      Node* parent = path.nodes[path.levels - 2];
      parent->slots()[slot_of(hash, path.levels - 2, parent->bits)] = ref;
    }
  }

  // Defragmentation.

  /// Moves the chunk of `hash`, and the nodes on the way of which it is the first. `hash` becomes the first behind it, or behind
  /// what is shared. Returns the entries that were passed.
  uint64_t relocate_chunk(BlockMover& mover, uint64_t& hash) {
    Ref* place = &root_;
    Node* parent = nullptr;
    int level = 0;
    for (; place->is_node(); level++) {
      Node* node = place->node();
      if (!node->header.unique()) {
        mover.pass_over();
        hash = next_prefix(hash, level * kLevelBits);
        return 1;
      }
      if (hash << (level * kLevelBits) == 0) *place = node = mover.move(node, node->header.capacity);
      parent = node;
      place = &node->slots()[slot_of(hash, level, node->bits)];
    }
    HashChunk* chunk = place->chunk();
    uint64_t const entries = chunk->count;
    if (!chunk->header.unique()) {
      mover.pass_over();
    } else {
      chunk = mover.move(chunk, chunk->header.capacity);
      if (parent) {
        set_slots(parent, level - 1, hash, chunk);
      } else {
        root_ = chunk;
      }
    }
    hash = next_prefix(hash, chunk->depth);
    return entries;
  }

  // Growth.

  /// Gives the chunk of `hash` room, or splits it. Returns the chunk of `hash`, which may still be too small.
  HashChunk* make_room(uint64_t hash, size_t bytes) {
    Path path;
    HashChunk* chunk = own_path(hash, path);
    int const bits = HashChunk::group_bits_for(chunk->used() + bytes);
    size_t const needed = chunk->used() + bytes + (sizeof(uint16_t) << bits);
    bool const divides_badly = chunk->count < kSplitEntriesMin || chunk->used() <= kMergeBytes;
    bool const at_bottom = chunk->depth == kDepthMax;
    if (needed > kSplitBytes && !(needed <= kChunkBytesMax && divides_badly) && !at_bottom)
      return split(path, chunk, hash);

    HashChunk* larger;
    if (bits == chunk->group_bits || needed > HashChunkBuilder<Entries>::kBytesMax) {
      CHECK(needed <= HashChunk::kUsedMax);
      larger = HashChunk::copy(*chunk, HashChunk::capacity_for(chunk->used() + bytes));
    } else {
      HashChunkBuilder<Entries> builder(entries_);
      builder.add(*chunk);
      larger = builder.finish(chunk->depth, bytes);
    }
    put(path, hash, counted(larger));
    discard(chunk);
    return larger;
  }
  /// Room is not added here: a chunk whose entries all go to one half would grow with each split.
  HashChunk* split(Path& path, HashChunk* chunk, uint64_t hash) {
    CHECK(chunk->group_bits > 0);
    int const depth = chunk->depth;
    uint64_t const bit = uint64_t{1} << (63 - depth);
    bool const upper = hash & bit;
    char const* middle = chunk->group_end(chunk->groups() / 2 - 1);
    HashChunkBuilder<Entries> lower_half(entries_);
    lower_half.add(*chunk, chunk->data(), middle);
    HashChunk* low = counted(lower_half.finish(depth + 1, 0));
    HashChunkBuilder<Entries> upper_half(entries_);
    upper_half.add(*chunk, middle, chunk->data_end());
    HashChunk* high = counted(upper_half.finish(depth + 1, 0));

    if (path.levels == 0 || depth == path.levels * kLevelBits) {
      Node* child = make_node(1);
      child->due = chunk->due;
      child->slots()[0] = low;
      child->slots()[1] = high;
      if (path.levels == 0) {
        root_ = child;
      } else {
        Node* parent = path.last();
        parent->slots()[slot_of(hash, path.levels - 1, parent->bits)] = child;
      }
    } else {
      int const level = path.levels - 1;
      if (depth == level * kLevelBits + path.last()->bits) double_last(path, hash);
      set_slots(path.last(), level, hash & ~bit, low);
      set_slots(path.last(), level, hash | bit, high);
    }
    discard(chunk);
    return upper ? high : low;
  }
  void double_last(Path& path, uint64_t hash) {
    Node* node = path.last();
    Node* larger = make_node(node->bits + 1);
    larger->due = node->due;
    for (size_t i = 0; i < larger->slot_count(); i++) larger->slots()[i] = node->slots()[i / 2];
    replace_last(path, hash, larger);
    path.nodes[path.levels - 1] = larger;
    discard(node);
  }

  // Shrinking.

  void shrink(uint64_t hash) {
    Path path;
    HashChunk* chunk = own_path(hash, path);
    bool merged = false;
    while (HashChunk* larger = merge(path, chunk, hash)) {
      chunk = larger;
      merged = true;
    }
    if (chunk->count == 0 && path.levels == 0) {
      discard(chunk);
      root_ = Ref();
    } else if (!merged && HashChunk::capacity_for(chunk->used()) < chunk->header.capacity) {
      rebuild_smaller(path, chunk, hash);
    }
  }
  void rebuild_smaller(Path const& path, HashChunk* chunk, uint64_t hash) {
    if (chunk->used() > HashChunkBuilder<Entries>::kBytesMax) return;
    HashChunkBuilder<Entries> builder(entries_);
    builder.add(*chunk);
    HashChunk* smaller = counted(builder.finish(chunk->depth, 0));
    put(path, hash, smaller);
    discard(chunk);
  }
  /// Merges the chunk with the other half of its parent prefix, if both are chunks and together small. Null if not.
  HashChunk* merge(Path& path, HashChunk* chunk, uint64_t hash) {
    if (path.levels == 0) return nullptr;
    Node* node = path.last();
    int const level = path.levels - 1;
    int const depth = chunk->depth;
    uint64_t const bit = uint64_t{1} << (64 - depth);
    Ref const other = node->slots()[slot_of(hash ^ bit, level, node->bits)];
    if (other.is_node() || other.chunk()->depth != depth) return nullptr;
    HashChunk* sibling = other.chunk();
    if (chunk->used() + sibling->used() > kMergeBytes) return nullptr;

    HashChunkBuilder<Entries> builder(entries_);
    builder.add(hash & bit ? *sibling : *chunk);
    builder.add(hash & bit ? *chunk : *sibling);
    HashChunk* merged = counted(builder.finish(depth - 1, 0));
    discard(chunk);
    if (sibling->header.unique()) {
      discard(sibling);
    } else {
      for_each_reference(*sibling, &Entries::retain);
      bytes_ -= block_heap_bytes(sibling->header.capacity);
      release(sibling);
    }
    set_slots(node, level, hash, merged);
    collapse(path, hash);
    return merged;
  }
  /// Halves the last node of the path as long as every pair of its slots is alike; one slot becomes its chunk.
  void collapse(Path& path, uint64_t hash) {
    Node* node = path.last();
    int bits = node->bits;
    size_t step = 1;  // distance of the slots that are left
    auto pairs_alike = [&] {
      for (size_t i = 0; i < node->slot_count(); i += 2 * step) {
        if (node->slots()[i] != node->slots()[i + step]) return false;
      }
      return true;
    };
    for (; bits > 0 && pairs_alike(); step *= 2) bits--;
    if (bits == node->bits) return;
    if (bits == 0) {
      replace_last(path, hash, node->slots()[0]);
      path.levels--;
    } else {
      Node* smaller = make_node(bits);
      smaller->due = node->due;
      for (size_t i = 0; i < smaller->slot_count(); i++) smaller->slots()[i] = node->slots()[i * step];
      replace_last(path, hash, smaller);
      path.nodes[path.levels - 1] = smaller;
    }
    discard(node);
  }

  // Expiry.

  template <class Expire>
  bool expire_chunk(HashChunk* chunk, uint64_t hash, Expire&& expire, std::vector<uint64_t>& sparse) {
    size_t const before = chunk->count;
    bool const go_on = expire(*chunk);
    size_ -= before - chunk->count;
    if (is_sparse(*chunk)) sparse.push_back(hash);
    return go_on;
  }
  /// False when `expire` wants no more.
  template <class Expire>
  bool visit_due_below(Ref& place, int level, uint64_t prefix, uint32_t now, Expire&& expire,
                       std::vector<uint64_t>& sparse) {
    Node* node = own_node(place);
    int const end_bit = level * kLevelBits + node->bits;
    uint32_t bound = kNeverDue;
    for (size_t i = 0; i < node->slot_count();) {
      Ref child = node->slots()[i];
      uint64_t const hash = prefix | uint64_t{i} << (64 - end_bit);
      size_t const span = child.is_node() ? 1 : size_t{1} << (end_bit - child.chunk()->depth);
      if (child.due() <= now) {
        if (child.is_node()) {
          if (!visit_due_below(node->slots()[i], level + 1, hash, now, expire, sparse)) return false;
        } else {
          if (!child.header()->unique()) set_slots(node, level, hash, copy_chunk(child.chunk(), hash));
          if (!expire_chunk(node->slots()[i].chunk(), hash, expire, sparse)) return false;
        }
      }
      bound = std::min(bound, node->slots()[i].due());
      i += span;
    }
    node->due = bound;
    return true;
  }

  [[no_unique_address]] Entries entries_;
  Ref root_;
  size_t size_ = 0;
  size_t bytes_ = 0;
  TouchedRef<uint64_t> touched_;
};

/// Empties a handle that was frozen for it, chunk by chunk: those that writers have copied come first, the others in the order of
/// the hash. The handle may be given up at any time. Thread rule: that of the handle.
template <class Entries>
class HashDrain {
 public:
  /// Precondition: directory.drains().
  explicit HashDrain(HashDirectory<Entries>& directory) : directory_(directory) { directory.touched().begin(); }
  HashDrain(HashDrain const&) = delete;
  HashDrain& operator=(HashDrain const&) = delete;
  ~HashDrain() {
    if (chunk_) directory_.let_go(chunk_);
  }

  /// Lets go of the chunk before. Null after the last.
  HashChunk const* next() {
    if (chunk_) directory_.let_go(std::exchange(chunk_, nullptr));
    while (std::optional<uint64_t> const hash = directory_.touched().next()) {
      chunk_ = directory_.take(*hash);
      if (chunk_) return chunk_;
    }
    if (!at_end_) chunk_ = directory_.take_first(position_);
    at_end_ = position_ == 0;
    return chunk_;
  }

 private:
  HashDirectory<Entries>& directory_;
  HashChunk* chunk_ = nullptr;
  uint64_t position_ = 0;
  bool at_end_ = false;
};

// A region is a chunk, or all chunks of a prefix where chunks have few entries; regions divide the entries and have
// about 128 at least. Some region is drawn by its share of the hash space, and accepted by its number of entries: about
// three of four in two trials. That a region has more than 1.5 times its share (where the draw would become unfair) is
// a matter of 1 in 10^7 regions.
template <class Entries>
template <class RandomNumbers>
char const* HashDirectory<Entries>::sample(RandomNumbers&& random) const {
  constexpr size_t kRegionEntries = 128;
  constexpr int kTrialsMax = 256;
  if (size_ == 0) return nullptr;
  int const region_bits = static_cast<int>(std::bit_width(size_ / kRegionEntries)) - 1;
  for (int trial = 0; trial <= kTrialsMax; trial++) {
    uint64_t const hash = random();
    HashChunk const* chunk = leaf(hash);
    int const bits = std::min<int>(chunk->depth, std::max(region_bits, 0));
    // The last resort of a bad source of numbers is the whole directory.
    int const prefix_bits = trial == kTrialsMax ? 0 : bits;
    uint64_t const begin = prefix_bits == 0 ? 0 : hash >> (64 - prefix_bits) << (64 - prefix_bits);
    uint64_t const end = next_prefix(begin, prefix_bits);
    size_t entries = 0;
    uint64_t position = begin;
    do {
      HashChunk const* part = leaf(position);
      entries += part->count;
      position = after(*part, position);
    } while (position != end);
    if (prefix_bits > 0) {
      double const fair = static_cast<double>(size_) / static_cast<double>(uint64_t{1} << prefix_bits);
      double const drawn = static_cast<double>(random() >> 11) * 0x1p-53;
      if (drawn * 1.5 * fair >= static_cast<double>(entries)) continue;
    }
    auto index = static_cast<size_t>((random() >> 32) * entries >> 32);
    for (position = begin;;) {
      HashChunk const* part = leaf(position);
      if (index < part->count) {
        char const* entry = part->data();
        for (; index > 0; index--) entry += Entries::bytes(entry);
        return entry;
      }
      index -= part->count;
      position = after(*part, position);
    }
  }
  return nullptr;
}

}  // namespace holdfast
