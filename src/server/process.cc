#include "server/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/number.h"
#include "net/unique_fd.h"

namespace holdfast {

void daemonize() {
  pid_t child = fork();
  if (child != 0) _exit(child > 0 ? 0 : 1);
  setsid();
  int null = open("/dev/null", O_RDWR);
  if (null < 0) return;
  for (int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  if (null > STDERR_FILENO) close(null);
}

void write_pidfile(std::string const& path, Logger& logger) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  std::string text = to_text(getpid()) + "\n";
  if (fd.get() < 0 || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    logger.warning("Failed to write PID file: %s", std::strerror(errno));
  }
}

std::string executable_path() {
  std::array<char, PATH_MAX> path;
  ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : std::string();
}

}  // namespace holdfast
