#pragma once

#include <string>

#include "command/services.h"
#include "health/monitor.h"

namespace holdfast::health {

/// The report as one JSON object, for /health and /ready.
std::string to_json(Monitor::Seen const& seen);

/// Everything that is counted, in the text format of Prometheus (version 0.0.4). Names begin with holdfast_ and stay the same.
/// Any thread.
std::string metrics_text(Services& services, Monitor::Seen const& seen);

}  // namespace holdfast::health
