#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/logger.h"
#include "base/result.h"
#include "disk/disk.h"
#include "log/manifest.h"

namespace holdfast::log {

/// Where an AOF lives: the files are `<data_dir>/<append_dir_name>/<stem>.*`.
struct AofLocation {
  /// Config `dir`.
  std::string data_dir;
  /// Config `appenddirname`.
  std::string append_dir_name = "appendonlydir";
  /// Config `appendfilename`.
  std::string stem = "appendonly.aof";

  std::string directory() const { return data_dir + "/" + append_dir_name; }
  /// Of a file in the directory.
  std::string path(std::string_view name) const { return directory() + "/" + std::string(name); }
};

/// Log messages (warning level, in order) of a condition that ends the start.
struct FatalStart {
  std::vector<std::string> messages;
};

/// The directory of a multi-part AOF and the manifest that is in force. Every change of the manifest goes through
/// persist(), so at any moment the manifest on disk names existing files that replay to the right state; files that it
/// does not name are harmless and overwritten later.
///
/// Does I/O: never under locks. One thread at a time; the owner of the start and then of the cut.
class AofDirectory {
 public:
  /// `disk` and `logger` outlive this. With `keep_history` (config aof-disable-auto-gc) replaced files stay.
  AofDirectory(Disk& disk, Logger& logger, AofLocation location, bool keep_history = false);

  /// Reads the manifest; a missing directory or manifest is an empty one.
  std::expected<void, FatalStart> load();

  /// Adopts the single-file AOF of a Redis before 7 (`<data_dir>/<stem>`) as base, when there is one that no manifest
  /// replaces: moves it into the directory and names it in the manifest. True when it did.
  std::expected<bool, FatalStart> migrate_single_file();

  /// Without a manifest: an error when there are files with the names and with data, which would be written over as if they had
  /// never been. Not when they are left from making the first manifest (see `begin_first`), which nobody relies on yet.
  std::expected<void, FatalStart> refuse_without_manifest();
  /// Around the making of the first files and manifest: while a mark is there, files without a manifest are those of an attempt that
  /// was interrupted.
  Status begin_first();
  void end_first();

  /// Makes the directory unless it is there.
  Status ensure_directory();

  /// Brings `changed` to the disk (temporary file, fsync, rename, fsync of the directory) and makes it the one in
  /// force. Names created or renamed in the directory before are durable first. After a failure the old one is in force
  /// in memory, while the disk has the one or the other: remove no file that either of them names.
  Status persist(Manifest changed);

  /// Deletes the history files with their indexes and persists the manifest without them. A file that cannot be deleted
  /// is left behind.
  Status delete_history();

  Manifest const& manifest() const { return manifest_; }
  AofLocation const& location() const { return location_; }
  Disk& disk() const { return disk_; }
  Logger& logger() const { return logger_; }
  std::string directory() const { return location_.directory(); }
  /// Path of a file of the directory.
  std::string path(std::string_view name) const { return location_.path(name); }

 private:
  bool is_interrupted_migration() const;
  std::string first_mark() const { return path(location_.stem + ".first"); }

  Disk& disk_;
  Logger& logger_;
  AofLocation location_;
  bool keep_history_;
  Manifest manifest_;
};

}  // namespace holdfast::log
