#pragma once

#include <cstdint>
#include <optional>

#include "command/services.h"

namespace holdfast {

/// What SHUTDOWN was told.
struct ShutdownOptions {
  bool save = false;     ///< save even without save points
  bool no_save = false;
  bool now = false;      ///< replicas that lag are not waited for
  bool force = false;    ///< go on when something fails
};

/// Ends the server in an orderly way, step by step, for SHUTDOWN and for signals alike: holds back writes, waits for replicas
/// that lag (shutdown-timeout), saves, and asks the server to exit. Only one attempt runs at a time; whoever comes later shares its end.
///
/// One thread at a time. Destroying it before its end gives the attempt up.
class ShutdownSequence {
 public:
  enum class Progress : uint8_t {
    kWait,    ///< step again in about a millisecond
    kFailed,  ///< it failed or was aborted; the server goes on
    kExits,   ///< the process is about to end: no more replies
  };

  ShutdownSequence(Services& services, ShutdownOptions options) : services_(services), options_(options) {}
  ~ShutdownSequence();
  ShutdownSequence(ShutdownSequence const&) = delete;
  ShutdownSequence& operator=(ShutdownSequence const&) = delete;

  Progress step();

 private:
  enum class Stage : uint8_t { kBegin, kFollow, kReplicas, kAskSave, kSave, kOver };

  Progress begin();
  Progress follow();
  Progress wait_for_replicas();
  bool replicas_lag();
  void report_replicas() const;
  Progress begin_save();
  Progress ask_save();
  Progress wait_for_save();
  Progress exit();
  Progress fail(char const* line);
  void give_up();

  Services& services_;
  ShutdownOptions options_;
  Stage stage_ = Stage::kBegin;
  uint64_t failures_seen_ = 0;
  /// What replicas must have, and where the stream was when they were last asked.
  uint64_t wanted_offset_ = 0;
  uint64_t asked_offset_ = 0;
  std::optional<uint64_t> ticket_;
  /// Saves done. Writes that were past the gate when it closed may come after the first one.
  int rounds_ = 0;
  static constexpr int kRoundsMax = 3;
};

}  // namespace holdfast
