#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/short_turns.h"
#include "disk/disk.h"
#include "log/sidecar_index.h"
#include "snapshot/block.h"
#include "snapshot/cut.h"
#include "snapshot/function_store.h"
#include "snapshot/payload.h"

namespace holdfast::snapshot {

/// Larger values are written as they are: compressing needs the whole result in memory.
inline constexpr size_t kCompressBytesMax = 16 * 1024 * 1024;
/// With incremental fsync the kernel is asked to write back after this many bytes.
inline constexpr uint64_t kWriteBackBytes = 4 * 1024 * 1024;

/// The temporary file of a snapshot while it is written. The RESP form, which has no checksum of its own, gets an index beside
/// it (log/sidecar_index.h) that covers the whole. Used by the file thread only. Errors name the step that
/// failed, as the log line does: "rdbSaveRio", "fsync", "fclose".
class SnapshotFile {
 public:
  struct Options {
    RecordForm form = RecordForm::kRdb;
    bool compress = true;
    bool checksum = true;
    bool incremental_sync = true;
    /// Need not survive the process: it is not synced.
    bool transient = false;
  };
  /// Informational fields of the header.
  struct Header {
    int64_t unix_seconds = 0;
    uint64_t used_memory_bytes = 0;
    bool aof_base = false;
    /// Of the RESP form: begin with a `#TS:` annotation.
    bool annotate = false;
    FunctionStore::Sources functions = {};
    /// Where the stream of writes goes on.
    std::optional<StreamIdentity> identity = std::nullopt;
  };

  static Result<SnapshotFile> create(Disk& disk, std::string path, Options const& options);

  Status write_header(Header const& header, CutFacts const& facts);
  Status write_block(Block const& block);
  /// End of file, fsync, close.
  Status finish();
  /// Closes and removes what was written.
  void remove();

  std::string const& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  /// The step that `finish` failed in.
  char const* failed_step() const { return failed_step_; }

 private:
  SnapshotFile(Disk& disk, std::string path, Options const& options, std::unique_ptr<DiskFile> file)
      : disk_(&disk), path_(std::move(path)), options_(options), file_(std::move(file)) {}

  void begin_index(int64_t now_ms);
  Status write(std::string_view bytes);
  Status write_detour(Block const& block, Block::Detour const& detour);
  Status write_value(DetachedValue const& value, std::string_view key);

  Disk* disk_;
  std::string path_;
  Options options_;
  std::unique_ptr<DiskFile> file_;
  uint64_t bytes_ = 0;
  uint64_t written_back_ = 0;
  uint64_t crc_ = 0;
  std::optional<log::SidecarWriter> index_;
  std::string scratch_;
  ShortTurns turns_;
  char const* failed_step_ = "rdbSaveRio";
};

}  // namespace holdfast::snapshot
