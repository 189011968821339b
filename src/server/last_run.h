#pragma once

#include <optional>
#include <string>

#include "disk/disk.h"

namespace holdfast {

/// Remembers where the last run of a server kept its data, so that a start in another directory (a relative `dir`, another
/// working directory) is noticed before somebody misses the data.
///
/// One small file per instance in the user's state directory: $HOLDFAST_STATE_DIR, else $XDG_STATE_HOME/holdfast, else
/// $HOME/.local/state/holdfast. An instance is its configuration file, or without one its port. Without any of the
/// variables nothing is remembered. For the start only; does I/O.
class LastRun {
 public:
  /// `state_directory` "" : nothing is remembered.
  LastRun(Disk& disk, std::string state_directory, std::string instance);

  /// The state directory that the environment says.
  static std::string default_directory();

  /// Names of the data files of a directory: dump.rdb and the like.
  struct DataNames {
    std::string rdb;
    std::string append_directory;
  };
  /// The warning to log when the last run kept its data elsewhere, and the data is still there.
  std::optional<std::string> warning(std::string const& data_directory, DataNames const& names) const;
  /// Remembers `data_directory` for the next start. Best effort.
  void remember(std::string const& data_directory) const;

 private:
  std::string path() const;

  Disk& disk_;
  std::string state_directory_;
  std::string instance_;
};

}  // namespace holdfast
