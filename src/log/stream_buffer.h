#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace holdfast::log {

// The part of the log that is in memory: bytes that workers have appended and the writer has not taken yet.
//
//   appenders (any worker, under its partition locks)                         the writer thread
//      append_unit --> [ batch ][ batch that ends a file ][ open batch ] --> take() --> file
//                                                          ^ bytes go here     give_back() returns empty chunks
//
// A batch is a list of chunks with one place in the stream. Under the mutex an appender only notes the offset and
// copies its bytes to the open batch; chunks are allocated outside of it, and a large unit is copied to a chunk of its
// own first and only linked under it. Measured on two cores with 40-byte units: 35 ns an append alone and 49 ns with
// two threads in contention; a spin lock took 172 ns there.

/// Chunks of small units.
inline constexpr size_t kChunkBytes = 256 * 1024;
/// Units of this size and more get a chunk of their own, so that the mutex is not held for a long copy.
inline constexpr size_t kOwnChunkBytesMin = 64 * 1024;
/// Empty chunks kept for reuse (2 MiB).
inline constexpr size_t kSpareChunksMax = 8;
/// Appended and not yet written: beyond this, writers must be held back at the gate.
inline constexpr uint64_t kPendingBytesMax = 64ull * 1024 * 1024;
/// Held-back writers may go on below this.
/// A batch takes no further unit beyond this: the index gets an entry for each, and a failed write repeats no more.
inline constexpr uint64_t kBatchBytesMax = 1024 * 1024;
/// A gathering writer is woken at once when this much is pending.
inline constexpr uint64_t kGatherBytesMax = 1024 * 1024;

/// Effects for one database: `command_count` whole RESP commands.
struct Effect {
  int db = 0;
  std::string_view resp;
  uint32_t command_count = 1;
};

/// Bytes in a row; the first `size` of `capacity` are in use.
struct Chunk {
  std::unique_ptr<char[]> bytes;
  size_t size = 0;
  size_t capacity = 0;

  static Chunk allocate(size_t capacity);
  std::string_view view() const { return {bytes.get(), size}; }
  void append(std::string_view text);
};

/// What the writer takes at once.
struct Batch {
  std::vector<Chunk> chunks;
  /// Bytes in `chunks`. Annotations are bytes of the file, not of the stream, so this may exceed the stream's length.
  uint64_t file_bytes = 0;
  /// Stream offset after the last byte.
  uint64_t end_offset = 0;
  /// The file that was written until now ends after this batch.
  bool ends_file = false;
};

class StreamBuffer {
 public:
  /// The stream begins at `offset`, closed: nothing is appended until end_file opens it.
  explicit StreamBuffer(uint64_t offset) : end_offset_(offset), published_end_(offset) {}

  struct Appended {
    /// Stream offset after the unit.
    uint64_t end_offset;
    /// The writer asked to be woken for this; do it after the append.
    bool wake_writer;
  };

  /// Appends one unit: SELECT where the database changes, MULTI ... EXEC around more than one command (a SELECT for the
  /// first comes after MULTI). `annotation_s` > 0 puts `#TS:<seconds>` in front when that second has none yet.
  /// While closed nothing is appended. Any thread; callers keep their order by their own (partition) locks.
  Appended append_unit(std::span<Effect const> effects, int64_t annotation_s);

  /// Appends a piece of another server's stream as it is: whole commands, after which `db` is selected. The first piece of a
  /// file is preceded by a SELECT of the database that the stream has there, which is a part of the file only.
  Appended append_verbatim(std::string_view bytes, int db) EXCLUDES(mutex_);
  /// Appends a command that is executed in no database. Dropped while the stream is another server's.
  Appended append_control(std::string_view bytes) EXCLUDES(mutex_);
  /// The next unit selects its database, whatever was selected before. Returns the offset.
  uint64_t forget_database() EXCLUDES(mutex_);
  /// The database that a reader of the stream has selected here; 0 where the next unit selects one.
  int selected_database() EXCLUDES(mutex_);

  /// Ends the current file at this point of the stream; what follows belongs to the next one and selects its database
  /// anew. Returns the offset. With `open` false there is no next one: later appends are dropped.
  uint64_t end_file(bool open) EXCLUDES(mutex_);
  /// The stream continues at `offset`, where `db` is selected. Only while it is closed and nothing is pending.
  void restart(uint64_t offset, int db) EXCLUDES(mutex_);

  /// What the writer wants to be woken for while it has nothing to write.
  enum class WakeFor : uint8_t { kNothing, kAnyAppend, kLargePending };

  /// Moves the oldest batch to `batch`. When there is nothing, notes `wake_for` and returns false. Writer thread.
  bool take(Batch& batch, WakeFor wake_for) EXCLUDES(mutex_);
  /// Moves the oldest batch to `batch` unless there is nothing or a file ends with it. For whoever writes in the place of
  /// the writer thread, whose wish to be woken stays as it is.
  bool take_within_file(Batch& batch) EXCLUDES(mutex_);
  /// Asks to be woken though more may be pending. True when there is enough pending already. Writer thread.
  bool gather(WakeFor wake_for) EXCLUDES(mutex_);
  /// The chunks of a batch that is written or dropped, and its size. Writer thread.
  void give_back(Batch batch) EXCLUDES(mutex_);

  /// Stream offset after everything appended.
  uint64_t end_offset() const { return published_end_.load(std::memory_order_acquire); }
  /// File bytes appended and not yet given back.
  uint64_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

 private:
  struct UnitShape;

  bool try_append(std::span<Effect const> effects, UnitShape const& shape, Chunk& own_chunk, Appended& appended)
      EXCLUDES(mutex_);
  Appended append_whole(std::string_view bytes, std::optional<int> db) EXCLUDES(mutex_);
  bool try_append_whole(std::string_view bytes, std::optional<int> db, Appended& appended) EXCLUDES(mutex_);
  void write_prefix(Chunk& chunk, UnitShape const& shape) REQUIRES(mutex_);
  Chunk* room_for(size_t bytes) REQUIRES(mutex_);
  bool note_appended(uint64_t file_bytes) REQUIRES(mutex_);

  Mutex mutex_;
  /// Never empty; the last one is open for appends.
  std::deque<Batch> batches_ GUARDED_BY(mutex_) = std::deque<Batch>(1);
  std::vector<Chunk> spare_ GUARDED_BY(mutex_);
  uint64_t end_offset_ GUARDED_BY(mutex_);
  int last_db_ GUARDED_BY(mutex_) = -1;
  /// The stream is another server's, and so are its SELECTs.
  bool verbatim_ GUARDED_BY(mutex_) = false;
  bool verbatim_file_begins_ GUARDED_BY(mutex_) = false;
  int64_t last_annotation_s_ GUARDED_BY(mutex_) = 0;
  bool open_ GUARDED_BY(mutex_) = false;
  WakeFor wake_for_ GUARDED_BY(mutex_) = WakeFor::kNothing;
  std::atomic<uint64_t> published_end_;
  std::atomic<uint64_t> pending_bytes_{0};
};

}  // namespace holdfast::log
