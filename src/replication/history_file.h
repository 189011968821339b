#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "disk/disk.h"
#include "replication/history.h"

namespace holdfast::replication {

/// The histories that the stream of the AOF belongs to, kept beside its files: one line,
///
///   history <id> <previous id> <previous end> crc <16 hex digits of the CRC64 of what is before " crc">
///
/// Where the stream ends the files tell themselves. So the file is true while the id stays; before a change of the id it is
/// removed, and a crash in between costs a full synchronization and nothing else.
///
/// I/O: never under locks. Who keeps it lets one thread at a time in.
class HistoryFile {
 public:
  HistoryFile(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  /// Nothing when there is none, or none that can be trusted.
  std::optional<History> read() const;
  /// Durable when it returns without an error.
  Status write(History const& history);
  /// Likewise. No error when there is none.
  Status remove();

 private:
  Disk& disk_;
  std::string path_;
};

}  // namespace holdfast::replication
