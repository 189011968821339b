#pragma once

#include "command/services.h"

namespace holdfast {

/// CONFIG RESETSTAT: zeroes what Redis zeroes there. Any thread; what is counted at the same moment may survive.
void reset_statistics(Services& services);

}  // namespace holdfast
