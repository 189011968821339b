#pragma once

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "disk/disk.h"

namespace holdfast {

class Random;

/// What a scripted fault can hit. kOpen is any of the three ways to open, kList also the stat calls.
enum class DiskOperation : int {
  kOpen,
  kAppend,
  kRead,
  kTruncate,
  kSync,
  kClose,
  kRename,
  kUnlink,
  kMakeDirectory,
  kList,
  kSyncDirectory,
  kLock
};
inline constexpr size_t kDiskOperations = 12;

/// A disk in memory that fails when it is told to, for tests. Safe from any thread.
///
/// What it keeps apart, as a real disk does: what a reader sees now, and what is left after `crash`.
///  - Contents: writes and truncations since the last successful sync of a file are pending. A crash keeps any prefix
///    of them, cut inside a write too; or, of any prefix, any subset of the blocks (`Loss`). A failed sync drops them:
///    readers still see them, but no later sync brings them to the disk (what was in their place reads as zeros after a
///    crash).
///  - Names: creations, renames, unlinks and new directories are pending until sync_directory of the directory that the
///    name (of a rename: the new name) is in. A crash keeps any prefix of them for each directory.
///  - After a crash every open file and lock is dead (EIO), and a name without its directory is gone.
class FaultyDisk final : public Disk {
 public:
  /// Where and how an operation fails: the `nth` call (1 = the next) of the kind, on paths that contain `path_part`,
  /// fails with `errnum`; with `forever` so do all after it. An append first writes `bytes_kept` of its bytes.
  struct Fault {
    DiskOperation operation;
    uint64_t nth = 1;
    int errnum = EIO;
    std::string path_part = {};
    bool forever = false;
    size_t bytes_kept = 0;
  };

  FaultyDisk() = default;

  void add_fault(Fault fault);
  void clear_faults();

  /// Total bytes all files may have; an append beyond writes what fits and fails with ENOSPC.
  void set_space(uint64_t bytes);

  /// What a crash takes of contents that are pending.
  enum class Loss {
    kTail,   ///< the end of them: the file was written back in order
    kBlocks  ///< any blocks: what was in their place before, zeros behind the old end. The file may have its new size.
  };
  static constexpr uint64_t kBlockBytes = 512;
  /// Power loss: see above. The same seed and history leave the same state.
  void crash(uint64_t seed, Loss loss = Loss::kTail);
  /// From here to `crash` every operation fails with EIO and changes nothing: what threads of the dead process still try.
  void cut_power();

  /// Calls of the kind so far, failed ones included.
  uint64_t calls(DiskOperation operation) const;

  /// What a reader sees now; "" when there is no such file.
  std::string contents(std::string const& path) const;
  /// Puts a file there, durable at once.
  void put(std::string const& path, std::string contents);

  Result<std::unique_ptr<DiskFile>> open_append(std::string const& path) override;
  Result<std::unique_ptr<DiskFile>> create_truncate(std::string const& path) override;
  Result<std::unique_ptr<DiskFile>> open_read(std::string const& path) override;
  Status rename(std::string const& from, std::string const& to) override;
  Status unlink(std::string const& path) override;
  Status make_directory(std::string const& path) override;
  Result<std::vector<std::string>> list(std::string const& directory) override;
  Result<bool> exists(std::string const& path) override;
  Result<uint64_t> file_size(std::string const& path) override;
  Status sync_directory(std::string const& directory) override;
  Result<std::unique_ptr<DiskLock>> lock(std::string const& path) override;
  Result<uint64_t> free_space(std::string const& path) override;

 private:
  class File;
  class Lock;

  /// A change of contents that is not durable yet. A truncation has no bytes and `size` as the new length.
  struct Change {
    uint64_t offset = 0;
    std::string bytes;
    bool truncates = false;
  };
  struct Inode {
    bool directory = false;
    std::string visible;
    std::string durable;
    std::vector<Change> pending;
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Names = std::map<std::string, InodePtr>;

  /// A change of names that is not durable yet: `removed` goes, `added` (when not empty) is `inode` from then on.
  struct NameChange {
    std::string directory;
    std::string removed;
    std::string added;
    InodePtr inode;
  };

  static std::string normalize(std::string const& path);
  static void apply(Change const& change, size_t bytes_kept, std::string& contents);
  static void apply(NameChange const& change, Names& names);
  static void keep_prefix(Inode& inode, Random& random);
  static void keep_blocks(Inode& inode, Random& random);

  /// Counts the call; the fault that hits it, if any.
  std::optional<Fault> next_fault(DiskOperation operation, std::string const& path) REQUIRES(mutex_);
  Status check(DiskOperation operation, std::string const& path) REQUIRES(mutex_);
  bool has_directory(std::string const& path) const REQUIRES(mutex_);
  InodePtr find(std::string const& path) const REQUIRES(mutex_);
  void change_names(NameChange change) REQUIRES(mutex_);
  Result<InodePtr> find_or_create(std::string const& path) REQUIRES(mutex_);
  Result<std::unique_ptr<DiskFile>> open_for_writing(std::string const& path, bool truncate);
  uint64_t used_bytes() const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Names names_ GUARDED_BY(mutex_);
  Names durable_names_ GUARDED_BY(mutex_);
  std::vector<NameChange> pending_names_ GUARDED_BY(mutex_);
  std::set<std::string> locks_ GUARDED_BY(mutex_);
  std::vector<Fault> faults_ GUARDED_BY(mutex_);
  std::array<uint64_t, kDiskOperations> calls_ GUARDED_BY(mutex_) = {};
  uint64_t space_bytes_ GUARDED_BY(mutex_) = UINT64_MAX;
  /// Grows with every crash; files of an older one are dead.
  uint64_t life_ GUARDED_BY(mutex_) = 0;
  bool powered_ GUARDED_BY(mutex_) = true;
};

}  // namespace holdfast
