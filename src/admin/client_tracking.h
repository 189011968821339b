#pragma once

#include "command/command_row.h"

namespace holdfast {

/// CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR.
CommandRows client_tracking_commands();

}  // namespace holdfast
