#pragma once

#include <condition_variable>
#include <cstdint>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "command/services.h"
#include "disk/disk.h"
#include "health/checks.h"
#include "health/risk_clock.h"

namespace holdfast::health {

/// Looks at the server several times a second, on a thread of its own: so it also sees workers that are stuck, and may ask the
/// disk. Says in the log what turns red and what is well again.
class Monitor {
 public:
  Monitor(Services& services, Disk& disk) : services_(services), disk_(disk) {}
  ~Monitor() { stop(); }
  Monitor(Monitor const&) = delete;
  Monitor& operator=(Monitor const&) = delete;

  /// Begins the thread, after a first survey on the caller's.
  void start();
  /// Ends it; idempotent.
  void stop();

  struct Seen {
    Figures figures;
    Report report;
  };
  /// How it is now; only what the disk says is from the last survey. When that is long ago, because the disk does not answer,
  /// the report says so. Any thread.
  Seen look() EXCLUDES(mutex_);

 private:
  static constexpr int64_t kLookMilliseconds = 200;
  /// What the disk is asked for is asked at every so many looks.
  static constexpr int kLooksPerSurvey = 5;

  struct Survey {
    int64_t at_us = 0;
    bool disk_known = false;
    uint64_t disk_free_bytes = 0;
    double cut_ratio = 1;  ///< bytes of a snapshot for each byte in memory
  };

  void loop();
  /// Asks the disk: on the monitor's thread only.
  void survey() EXCLUDES(mutex_);
  double learn_cut_ratio(Figures const& figures, std::string const& directory, double known);
  Figures read_figures() const;
  void tell_changes(Report const& before, Report const& now);

  Services& services_;
  Disk& disk_;
  std::thread thread_;

  // of the thread
  int64_t cut_learned_s_ = -1;
  uint64_t cuts_learned_ = 0;

  Mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Survey survey_ GUARDED_BY(mutex_);
  RiskClock unsynced_ GUARDED_BY(mutex_);
  RiskClock unsaved_ GUARDED_BY(mutex_);
  bool append_only_ GUARDED_BY(mutex_) = false;
  Report last_ GUARDED_BY(mutex_);
};

}  // namespace holdfast::health
