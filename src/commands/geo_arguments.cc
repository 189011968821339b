#include "commands/geo_arguments.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "base/number.h"
#include "command/errors.h"

namespace holdfast {

std::optional<GeoPoint> parse_geo_point(Args args, size_t index, Reply& reply) {
  std::optional<double> const longitude = parse_double(args[index]);
  std::optional<double> const latitude = longitude ? parse_double(args[index + 1]) : std::nullopt;
  if (!latitude) {
    reply.error(errors::kNotFloat);
    return std::nullopt;
  }
  GeoPoint const point{*longitude, *latitude};
  if (geo_point_valid(point)) return point;
  reply.errorf("invalid longitude,latitude pair %f,%f", *longitude, *latitude);
  return std::nullopt;
}

std::optional<double> parse_geo_unit(Args args, size_t index, Reply& reply) {
  std::optional<double> const meters = geo_unit_meters(args[index]);
  if (!meters) reply.error("unsupported unit provided. please use M, KM, FT, MI");
  return meters;
}

void reply_geo_point(Reply& reply, GeoPoint point) {
  reply.array(2);
  for (double coordinate : {point.longitude, point.latitude}) {
    std::string const text = format_long_double_human(coordinate);
    reply.resp3() ? reply.raw("," + text + "\r\n") : reply.bulk(text);
  }
}

void reply_geo_distance(Reply& reply, double distance) {
  constexpr long long kParts = 10'000;
  long long const parts = std::llrint(distance * static_cast<double>(kParts));
  char text[32];
  int const bytes = std::snprintf(text, sizeof text, "%lld.%04lld", parts / kParts, parts % kParts);
  reply.bulk({text, static_cast<size_t>(bytes)});
}

}  // namespace holdfast
