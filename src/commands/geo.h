#pragma once

#include "command/command_row.h"

namespace holdfast {

/// GEOADD, GEOPOS, GEODIST, GEOHASH.
CommandRows geo_point_commands();
/// GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUSBYMEMBER and their _RO forms.
CommandRows geo_search_commands();

}  // namespace holdfast
