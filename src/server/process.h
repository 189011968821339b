#pragma once

#include <string>

#include "base/logger.h"

namespace holdfast {

/// What a server does to be a good process. All are for the main thread, before others start.

/// `daemonize yes`: the parent exits 0, this process goes on in a session of its own with its standard files closed.
void daemonize();
/// Writes "<pid>\n"; a failure is only logged.
void write_pidfile(std::string const& path, Logger& logger);
/// Absolute path of the running executable.
std::string executable_path();

}  // namespace holdfast
