#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/logger.h"
#include "base/mutex.h"
#include "base/result.h"
#include "config/config.h"
#include "disk/disk.h"

namespace holdfast {

/// Keeps other processes away from the data files that this one writes by itself: dump.rdb when there are save points, the AOF
/// directory when appendonly is yes. Each has a lock file beside it, `.dump.rdb.lock`; the kernel gives the lock back when the
/// process ends, however it ends, and the empty file stays. Any thread.
class DataLock {
 public:
  DataLock(Disk& disk, Logger& logger) : disk_(disk), logger_(logger) {}

  /// Locks what a server with this configuration writes, and lets go of the rest. Fails when another process has one of them;
  /// nothing has changed then. A directory in which there can be no lock (read-only) is only warned about.
  Status hold(config::Config const& config) EXCLUDES(mutex_);

 private:
  Disk& disk_;
  Logger& logger_;
  Mutex mutex_;
  std::map<std::string, std::unique_ptr<DiskLock>> held_ GUARDED_BY(mutex_);  // by path
};

}  // namespace holdfast
