#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "memory/shared_buffer.h"

namespace holdfast {

/// The bytes that a connection still has to send.
///
/// A chain of blocks. Each block carries, in sending order, an optional shared part (a view into a SharedBuffer, sent
/// without a copy) and then bytes of its own:
///
///     head                                      tail
///     [own bytes]---[shared value|own bytes]---[own bytes|free room]
///                                              begin_    write_     limit_
///
/// Only the tail has free room. The first block is small, so that a connection with one short reply costs little; later
/// ones are 16 KiB. A block is freed as soon as it has been sent: an idle connection holds no block at all.
///
/// Belongs to one thread. Not copyable.
class OutputBuffer {
 public:
  /// Size of the first block with its header; small enough for the allocator's per-thread cache.
  static constexpr size_t kFirstBlockBytes = 1024;
  /// Size of later blocks with their header.
  static constexpr size_t kBlockBytes = 16 * 1024;
  /// A shared value of at least this many bytes is referenced, a smaller one is copied.
  static constexpr size_t kReferenceBytesMin = 16 * 1024;
  /// Room kept for a header that is written later.
  static constexpr size_t kHoleBytes = 16;

  OutputBuffer() = default;
  ~OutputBuffer() { clear(); }
  OutputBuffer(OutputBuffer const&) = delete;
  OutputBuffer& operator=(OutputBuffer const&) = delete;

  /// Returns a place where `bytes` bytes may be written; `commit` says how many were. The place is valid until the next
  /// call. Bytes in one piece: meant for headers and small replies, use `append` for long ones.
  char* reserve(size_t bytes) {
    if (static_cast<size_t>(limit_ - write_) >= bytes) [[likely]]
      return write_;
    return grow(bytes);
  }
  /// Precondition: at most what the last `reserve` asked for.
  void commit(size_t bytes) {
    DCHECK(bytes <= static_cast<size_t>(limit_ - write_));
    write_ += bytes;
  }

  /// Copies the bytes to the end.
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (static_cast<size_t>(limit_ - write_) >= bytes.size()) [[likely]] {
      std::memcpy(write_, bytes.data(), bytes.size());
      write_ += bytes.size();
      return;
    }
    append_split(bytes);
  }

  /// Appends the buffer's bytes: referenced from kReferenceBytesMin on (the buffer is then not unique until they are
  /// sent), else copied.
  void append_shared(SharedBufferRef const& buffer);

  /// Takes over everything that `other` holds, without a copy of the bytes. Precondition: neither has an open hole.
  void append_all(OutputBuffer& other);

  /// Keeps kHoleBytes free at the end, to be filled when later bytes are known. Holes nest; the last one opened is
  /// closed first. Nothing behind an open hole is given to `fill_iovec`. Returns a mark for `close_hole`.
  size_t open_hole();
  /// Puts `bytes` (at most kHoleBytes) into the hole and closes the gap that is left. Cost: moves what follows in the
  /// same block. Precondition: `mark` is the last hole opened.
  void close_hole(size_t mark, std::string_view bytes);

  /// Bytes not yet sent, including open holes.
  size_t size() const { return closed_bytes_ + static_cast<size_t>(write_ - begin_); }
  bool empty() const { return size() == 0; }
  /// Bytes taken from the allocator for blocks (shared buffers are not counted).
  size_t footprint() const { return footprint_; }
  /// Blocks in the chain.
  size_t blocks() const { return blocks_; }

  /// Describes the first unsent bytes in at most `max` pieces; returns how many pieces were filled. Valid until the
  /// next change.
  int fill_iovec(iovec* out, int max) const;
  /// Forgets the first `bytes` bytes, which have been sent. Precondition: `fill_iovec` has offered them.
  void consume(size_t bytes);
  /// Forgets everything and frees all blocks.
  void clear();

  /// A copy of everything unsent, for scripts and tests. Precondition: no open hole.
  std::string to_string() const;

 private:
  struct Block;
  struct Hole {
    Block* block;
    char* at;
  };

  char* grow(size_t bytes);
  void append_split(std::string_view bytes);
  void add_block(size_t own_bytes);
  /// Writes the tail's bounds back into its block.
  void close_tail();
  void drop_head();

  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  /// Own bytes of the tail: first unsent, next free, end of room. Its block holds them only once it is closed.
  char* begin_ = nullptr;
  char* write_ = nullptr;
  char* limit_ = nullptr;
  /// Unsent bytes outside [begin_, write_).
  size_t closed_bytes_ = 0;
  size_t footprint_ = 0;
  size_t blocks_ = 0;
  std::vector<Hole> holes_;
};

}  // namespace holdfast
