#include "server/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/number.h"
#include "net/unique_fd.h"

namespace holdfast {
namespace {

using config::Supervised;

std::string variable(char const* name) {
  char const* const value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

Supervisor::Supervisor(Supervised wanted, Logger& logger) {
  bool const upstart = !variable("UPSTART_JOB").empty();
  std::string const socket = variable("NOTIFY_SOCKET");
  if (wanted == Supervised::kAuto && upstart) {
    logger.notice("Upstart supervision detected.");
    wanted = Supervised::kUpstart;
  } else if (wanted == Supervised::kAuto && !socket.empty()) {
    logger.notice("Systemd supervision detected.");
    wanted = Supervised::kSystemd;
  }
  if (wanted == Supervised::kUpstart) {
    if (!upstart) {
      logger.warning("upstart supervision requested, but UPSTART_JOB not found!");
      return;
    }
    logger.notice("supervised by upstart, will stop to signal readiness.");
    raise(SIGSTOP);
    unsetenv("UPSTART_JOB");
    kind_ = Supervised::kUpstart;
  } else if (wanted == Supervised::kSystemd) {
    if (socket.empty()) {
      logger.warning("systemd supervision error: NOTIFY_SOCKET not found!");
      return;
    }
    logger.notice(
        "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your "
        "service unit.");
    socket_ = socket;
    kind_ = Supervised::kSystemd;
  }
}

void Supervisor::tell(std::string_view message) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  UniqueFd const fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return;
  auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // Best effort: systemd that is gone or does not read is no reason to fail.
  static_cast<void>(sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&address), size));
}

void Supervisor::tell_status(std::string const& status) {
  if (kind_ != Supervised::kSystemd || status == status_) return;
  status_ = status;
  tell("STATUS=" + status + "\n");
}

void Supervisor::extend(int64_t now_ms, std::string const& status) {
  if (kind_ != Supervised::kSystemd || now_ms - extended_ms_ < kExtensionPauseMs) return;
  extended_ms_ = now_ms;
  status_ = status;
  tell("EXTEND_TIMEOUT_USEC=" + to_text(kExtensionMs * 1000) + "\nSTATUS=" + status + "\n");
}

}  // namespace holdfast
