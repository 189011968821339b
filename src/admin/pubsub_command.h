#pragma once

#include "command/command_row.h"

namespace holdfast {

/// PUBSUB: who listens to what.
CommandRows pubsub_commands();

}  // namespace holdfast
