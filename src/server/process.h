#pragma once

#include <string>
#include <string_view>

#include "base/logger.h"

namespace holdfast {

/// What a server does to be a good process. All are for the main thread, before others start.

/// `daemonize yes`: the parent exits 0, this process goes on in a session of its own with its standard files closed.
void daemonize();
/// Writes "<pid>\n"; a failure is only logged.
void write_pidfile(std::string const& path, Logger& logger);
/// Sends one datagram to systemd's NOTIFY_SOCKET if there is one. False: there is none.
bool notify_supervisor(std::string_view message);
/// Absolute path of the running executable.
std::string executable_path();

}  // namespace holdfast
