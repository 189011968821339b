#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/logger.h"
#include "base/result.h"
#include "disk/disk.h"
#include "log/sidecar_index.h"
#include "log/stream_buffer.h"

namespace holdfast::log {

/// Disk space that is reserved ahead of the end, bytes.
inline constexpr uint64_t kReserveBytes = 4 * 1024 * 1024;

/// An increment that is being written, with its index. Opened by the cut's thread, then owned by the log writer thread;
/// only sync() may run beside it on the fsync thread, and size() anywhere.
class IncrementFile {
 public:
  /// A new, empty file.
  static Result<std::shared_ptr<IncrementFile>> create(Disk& disk, Logger& logger, std::string path);
  /// An existing file, to be continued at its end.
  static Result<std::shared_ptr<IncrementFile>> reopen(Disk& disk, Logger& logger, std::string path);

  /// A file that was written before, for readers only: the stream's bytes begin at `stream_position`.
  static Result<std::shared_ptr<IncrementFile>> open_written(Disk& disk, Logger& logger, std::string path, uint64_t stream_position);

  /// A file without a name, for readers of the backlog where there is no AOF: it has no index, is never synced, and takes no
  /// more once a write has failed. `path` is used for a moment.
  static Result<std::shared_ptr<IncrementFile>> create_spill(Disk& disk, Logger& logger, std::string path);
  bool spill() const { return spill_; }

  /// The first byte that will be written lies at `stream_offset`. Creates or continues the index. Call once, first.
  void begin(uint64_t stream_offset, int64_t now_ms);

  /// Writes the batch or nothing: after a failure the file is cut back to where it was and the batch can be written
  /// again. Where cutting back fails too, `bytes_done` (0 for a new batch) notes how much of the batch the file keeps.
  Status write(Batch const& batch, uint64_t& bytes_done, int64_t now_ms);

  /// fdatasync.
  Status sync() { return spill_ ? Status{} : file_->sync(); }

  /// Bytes of the stream, from `offset` of those that were written since `begin` on: all of `out`, which must have been
  /// written. Any thread. Only where no annotations were written since.
  Status read_stream(uint64_t offset, std::span<char> out);

  /// Reserves disk space for the next `bytes`, some MiB at a time: a sync then need not wait for a place in the file
  /// system. `release_reserve` gives back what was not used; a crash leaves it to the next truncation, behind the end.
  void reserve_ahead(uint64_t bytes);
  void release_reserve();

  /// Brings the index up to date: an entry for what was written since the last, if one is due (or `force`).
  void advance_index(int64_t now_ms, bool force);
  /// When advance_index has something to do, unix ms.
  std::optional<int64_t> index_due_ms() const;

  /// Bytes that are written.
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  IncrementFile(Disk& disk, Logger& logger, std::string path, std::unique_ptr<DiskFile> file, uint64_t size);

  static Result<std::shared_ptr<IncrementFile>> create_alone(Disk& disk, Logger& logger, std::string path);
  static Result<std::shared_ptr<IncrementFile>> finish_opening(std::shared_ptr<IncrementFile> file);
  Status settle(Batch const& batch, uint64_t& bytes_done);
  void cover(Batch const& batch, uint64_t begin, uint64_t end);
  void drop_index(Error const& error);

  Disk& disk_;
  Logger& logger_;
  std::string path_;
  std::unique_ptr<DiskFile> file_;
  std::unique_ptr<DiskFile> reader_;
  bool spill_ = false;
  /// Where the stream's bytes begin that were written since `begin`: behind what was there, and behind a SELECT that is a part
  /// of the file only.
  std::atomic<uint64_t> stream_position_{0};
  std::atomic<uint64_t> size_;
  /// Stream offset at the end of the last whole batch.
  uint64_t stream_offset_ = 0;
  /// size_ is the end of a whole batch: the only places that the index may name.
  bool whole_ = true;
  /// A write failed and the file may be longer than size_.
  bool unsettled_ = false;
  /// Space is reserved up to here; 0: none was.
  uint64_t reserved_end_ = 0;
  bool may_reserve_ = true;
  std::optional<SidecarWriter> index_;
};

}  // namespace holdfast::log
