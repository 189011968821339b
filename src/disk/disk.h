#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast {

/// An open file. Errors carry the errno. One thread at a time, but `sync` and `sync_range` may run beside `append` and
/// `pread` (the log writer fsyncs while it goes on writing). The destructor closes.
class DiskFile {
 public:
  virtual ~DiskFile() = default;

  /// Writes all of `bytes` at the end of the file. After a failure any prefix may have been written; `size` tells, and
  /// `truncate` takes it back.
  virtual Status append(std::string_view bytes) = 0;

  /// Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> pread(std::span<char> out, uint64_t offset) = 0;

  /// Bytes.
  virtual Result<uint64_t> size() = 0;
  virtual Status truncate(uint64_t size) = 0;

  /// Asks for disk space for the bytes of [offset, offset + length) beyond the end of the file, which stays where it is:
  /// a sync of a file that grows is quicker when the place is known already. May fail without harm.
  virtual Status reserve(uint64_t offset, uint64_t length) = 0;

  /// fdatasync. After a failure nothing that was written since the last success may be trusted to be on the disk, and
  /// a later success does not change that.
  virtual Status sync() = 0;

  /// Starts to write the range back, so that a later sync has less to do. Promises nothing.
  virtual Status sync_range(uint64_t offset, uint64_t length) = 0;

  /// Reports what the kernel says at close; the file is closed in any case. Further calls fail with EBADF.
  virtual Status close() = 0;
};

/// Holds an exclusive lock on a file until it is destroyed.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

/// All files of the process that must survive it go through this. Safe from any thread. Errors carry the errno.
/// Names become durable with `sync_directory` of the directory they are in, contents with DiskFile::sync.
class Disk {
 public:
  virtual ~Disk() = default;

  /// For appending and reading; created (mode 0644 less the umask) when missing.
  virtual Result<std::unique_ptr<DiskFile>> open_append(std::string const& path) = 0;
  /// As open_append, but empty.
  virtual Result<std::unique_ptr<DiskFile>> create_truncate(std::string const& path) = 0;
  virtual Result<std::unique_ptr<DiskFile>> open_read(std::string const& path) = 0;

  /// Replaces `to` at once.
  virtual Status rename(std::string const& from, std::string const& to) = 0;
  virtual Status unlink(std::string const& path) = 0;
  /// Fails with EEXIST when the name is taken.
  virtual Status make_directory(std::string const& path) = 0;
  /// Names without path, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(std::string const& directory) = 0;

  /// False when there is no such name; fails only when that cannot be told.
  virtual Result<bool> exists(std::string const& path) = 0;
  /// Bytes.
  virtual Result<uint64_t> file_size(std::string const& path) = 0;
  virtual Status sync_directory(std::string const& directory) = 0;

  /// Takes an exclusive lock on the file (created when missing) without waiting; EWOULDBLOCK when someone has it.
  virtual Result<std::unique_ptr<DiskLock>> lock(std::string const& path) = 0;

  /// Bytes that an unprivileged process may still write to the file system of `path`.
  virtual Result<uint64_t> free_space(std::string const& path) = 0;
};

/// The file whose lock (Disk::lock) keeps `name` in `directory` to one process: ".<name>.lock" beside it.
std::string lock_path(std::string const& directory, std::string const& name);

/// The directory part of a path, "." when it has none.
std::string directory_of(std::string const& path);

/// The whole file; fails with EFBIG beyond `bytes_max`.
Result<std::string> read_file(Disk& disk, std::string const& path, uint64_t bytes_max);

/// All of `out`; fails where the file ends before.
Status read_exactly(DiskFile& file, std::span<char> out, uint64_t offset);

/// Cuts the file, which exists, to `size` bytes and syncs it.
Status truncate_durably(Disk& disk, std::string const& path, uint64_t size);

/// Replaces the file so that after a crash it has either the old or the new contents: temporary file, sync, rename,
/// sync of the directory. The temporary file `temporary` (same directory) is removed after a failure.
Status write_file_durably(Disk& disk, std::string const& path, std::string const& temporary, std::string_view contents);

}  // namespace holdfast
