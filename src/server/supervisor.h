#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/logger.h"
#include "config/choices.h"

namespace holdfast {

/// What systemd or upstart is told of this process (`supervised`). On the main thread, but for `tell`.
class Supervisor {
 public:
  /// While something takes long (loading, the last save), systemd is asked this often for this much more time.
  static constexpr int64_t kExtensionPauseMs = 5000;
  static constexpr int64_t kExtensionMs = 60'000;

  /// Finds out who supervises, and logs what is not as configured. Upstart is answered here: the process stops itself.
  Supervisor(config::Supervised wanted, Logger& logger);

  config::Supervised kind() const { return kind_; }
  bool any() const { return kind_ != config::Supervised::kNo; }
  /// One datagram to systemd, if it supervises. Any thread.
  void tell(std::string_view message) const;
  /// STATUS=..., if it is not what was said last.
  void tell_status(std::string const& status);
  /// Something that takes long goes on.
  void extend(int64_t now_ms, std::string const& status);

 private:
  config::Supervised kind_ = config::Supervised::kNo;
  std::string socket_;  ///< path, or '@' and an abstract name
  std::string status_;
  int64_t extended_ms_ = -kExtensionPauseMs;
};

}  // namespace holdfast
