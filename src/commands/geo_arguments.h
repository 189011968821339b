#pragma once

#include <optional>

#include "command/args.h"
#include "resp/reply.h"
#include "structures/geo_hash.h"

namespace holdfast {

/// The point of args[index] and args[index + 1]. On failure replies why.
std::optional<GeoPoint> parse_geo_point(Args args, size_t index, Reply& reply);
/// Meters of the unit at args[index]. On failure replies so.
std::optional<double> parse_geo_unit(Args args, size_t index, Reply& reply);

/// An array of longitude and latitude.
void reply_geo_point(Reply& reply, GeoPoint point);
/// A distance, in its unit, with four digits behind the point.
void reply_geo_distance(Reply& reply, double distance);

}  // namespace holdfast
