#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast {

// Points of the globe as 52-bit integers, the scores of GEO sorted sets; the same integers as those of Redis.
//
// A range is halved 26 times for each coordinate; the bits are interleaved, latitude in the even bits (bit 0, 2, ...)
// and longitude in the odd ones. Equal leading bits mean a common cell, so a cell is one interval of scores. A
// coordinate at the very end of its range (+180, +85.05112878) falls into a cell of its own, number 2^26, behind the
// others: it keeps the 54th or 53rd bit.

struct GeoPoint {
  double longitude;  ///< degrees
  double latitude;   ///< degrees

  bool operator==(GeoPoint const&) const = default;
};

inline constexpr double kGeoLongitudeMax = 180;
/// Limit of the Web Mercator projection (EPSG:3857).
inline constexpr double kGeoLatitudeMax = 85.05112878;
inline constexpr unsigned kGeoStepMax = 26;
inline constexpr double kEarthRadiusMeters = 6372797.560856;

/// Within the limits that can be stored; false for nan.
bool geo_point_valid(GeoPoint point);

/// One of the (about) 4^step cells that the globe is cut into. `step` is 1..kGeoStepMax.
struct GeoCell {
  uint64_t bits;
  uint8_t step;

  bool operator==(GeoCell const&) const = default;
};

/// Row and column of a cell, counted from south west.
struct GeoGrid {
  uint32_t row;
  uint32_t column;
};

/// Borders in degrees.
struct GeoBounds {
  double west;
  double south;
  double east;
  double north;
};

GeoCell geo_cell(GeoGrid grid, unsigned step);
GeoGrid geo_grid(GeoCell cell);
/// The cell of a valid point.
GeoCell geo_cell_at(GeoPoint point, unsigned step);
GeoBounds geo_bounds(GeoCell cell);

/// The score of a valid point.
uint64_t geo_encode(GeoPoint point);
/// The middle of the smallest cell; always a valid point.
GeoPoint geo_decode(uint64_t bits);

/// The integer of any score, also of one that ZADD has put there: fractions are cut, negative ones are taken as two's
/// complement, what is beyond 64 bits becomes 0 or 2^63 as on x86-64.
uint64_t geo_bits_of_score(double score);

/// GEOHASH: the text of geohash.org, for which latitude ranges over -90..90. The last of the 11 characters is always
/// '0', there are only 52 bits.
std::array<char, 11> geo_hash_text(GeoPoint point);

/// Meters along the great circle (haversine formula), on a sphere.
double geo_distance(GeoPoint a, GeoPoint b);
/// Meters along a meridian.
double geo_latitude_distance(double latitude_a, double latitude_b);

double degrees_to_radians(double degrees);
double radians_to_degrees(double radians);

/// Meters of "m", "km", "ft" or "mi" in any case.
std::optional<double> geo_unit_meters(std::string_view name);

}  // namespace holdfast
