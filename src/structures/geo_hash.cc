#include "structures/geo_hash.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/strings.h"

namespace holdfast {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;
constexpr double kGeohashLatitudeMax = 90;
constexpr std::string_view kGeohashAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr unsigned kGeohashCharacterBits = 5;

/// Bit i goes to bit 2i.
uint64_t spread(uint32_t value) {
  uint64_t x = value;
  x = (x | (x << 16)) & 0x0000FFFF0000FFFF;
  x = (x | (x << 8)) & 0x00FF00FF00FF00FF;
  x = (x | (x << 4)) & 0x0F0F0F0F0F0F0F0F;
  x = (x | (x << 2)) & 0x3333333333333333;
  return (x | (x << 1)) & 0x5555555555555555;
}

/// Bit 2i goes to bit i; odd bits are dropped.
uint32_t gather(uint64_t x) {
  x &= 0x5555555555555555;
  x = (x | (x >> 1)) & 0x3333333333333333;
  x = (x | (x >> 2)) & 0x0F0F0F0F0F0F0F0F;
  x = (x | (x >> 4)) & 0x00FF00FF00FF00FF;
  x = (x | (x >> 8)) & 0x0000FFFF0000FFFF;
  return static_cast<uint32_t>(x | (x >> 16));
}

double cells_per_side(unsigned step) { return static_cast<double>(uint64_t{1} << step); }

/// Number of the cell among 2^step that cut -limit..limit. The order of the operations decides about the last bit.
uint32_t coordinate_cell(double value, double limit, unsigned step) {
  double const offset = (value - -limit) / (limit - -limit);
  return static_cast<uint32_t>(offset * cells_per_side(step));
}

/// Lower border of a cell; its upper one is that of cell + 1.
double coordinate_border(double cell, double limit, unsigned step) {
  return -limit + (cell / cells_per_side(step)) * (limit - -limit);
}

}  // namespace

bool geo_point_valid(GeoPoint point) {
  return std::abs(point.longitude) <= kGeoLongitudeMax && std::abs(point.latitude) <= kGeoLatitudeMax;
}

GeoCell geo_cell(GeoGrid grid, unsigned step) {
  return {spread(grid.row) | (spread(grid.column) << 1), static_cast<uint8_t>(step)};
}

GeoGrid geo_grid(GeoCell cell) { return {gather(cell.bits), gather(cell.bits >> 1)}; }

GeoCell geo_cell_at(GeoPoint point, unsigned step) {
  DCHECK(geo_point_valid(point) && step >= 1 && step <= kGeoStepMax);
  return geo_cell({coordinate_cell(point.latitude, kGeoLatitudeMax, step),
                   coordinate_cell(point.longitude, kGeoLongitudeMax, step)},
                  step);
}

GeoBounds geo_bounds(GeoCell cell) {
  GeoGrid const grid = geo_grid(cell);
  return {.west = coordinate_border(grid.column, kGeoLongitudeMax, cell.step),
          .south = coordinate_border(grid.row, kGeoLatitudeMax, cell.step),
          .east = coordinate_border(grid.column + 1.0, kGeoLongitudeMax, cell.step),
          .north = coordinate_border(grid.row + 1.0, kGeoLatitudeMax, cell.step)};
}

uint64_t geo_encode(GeoPoint point) { return geo_cell_at(point, kGeoStepMax).bits; }

GeoPoint geo_decode(uint64_t bits) {
  GeoBounds const bounds = geo_bounds({bits, kGeoStepMax});
  return {std::clamp((bounds.west + bounds.east) / 2, -kGeoLongitudeMax, kGeoLongitudeMax),
          std::clamp((bounds.south + bounds.north) / 2, -kGeoLatitudeMax, kGeoLatitudeMax)};
}

uint64_t geo_bits_of_score(double score) {
  constexpr double kTwo63 = 0x1p63;
  constexpr uint64_t kIndefinite = uint64_t{1} << 63;
  if (score >= -kTwo63 && score < kTwo63) return static_cast<uint64_t>(static_cast<int64_t>(score));
  if (score >= kTwo63) return score < 2 * kTwo63 ? static_cast<uint64_t>(score) : 0;
  return kIndefinite;
}

std::array<char, 11> geo_hash_text(GeoPoint point) {
  DCHECK(geo_point_valid(point));
  uint64_t const bits = geo_cell({coordinate_cell(point.latitude, kGeohashLatitudeMax, kGeoStepMax),
                                  coordinate_cell(point.longitude, kGeoLongitudeMax, kGeoStepMax)},
                                 kGeoStepMax)
                            .bits;
  std::array<char, 11> text;
  unsigned left = 2 * kGeoStepMax;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    left -= kGeohashCharacterBits;
    text[i] = kGeohashAlphabet[(bits >> left) & 31];
  }
  text.back() = kGeohashAlphabet[0];
  return text;
}

double degrees_to_radians(double degrees) { return degrees * kRadiansPerDegree; }
double radians_to_degrees(double radians) { return radians / kRadiansPerDegree; }

double geo_latitude_distance(double latitude_a, double latitude_b) {
  return kEarthRadiusMeters * std::abs(degrees_to_radians(latitude_b) - degrees_to_radians(latitude_a));
}

double geo_distance(GeoPoint a, GeoPoint b) {
  double const sine_longitude = std::sin((degrees_to_radians(b.longitude) - degrees_to_radians(a.longitude)) / 2);
  if (sine_longitude == 0.0) return geo_latitude_distance(a.latitude, b.latitude);
  double const latitude_a = degrees_to_radians(a.latitude);
  double const latitude_b = degrees_to_radians(b.latitude);
  double const sine_latitude = std::sin((latitude_b - latitude_a) / 2);
  double const square =
      sine_latitude * sine_latitude + std::cos(latitude_a) * std::cos(latitude_b) * sine_longitude * sine_longitude;
  return 2.0 * kEarthRadiusMeters * std::asin(std::sqrt(square));
}

std::optional<double> geo_unit_meters(std::string_view name) {
  if (iequals(name, "m")) return 1;
  if (iequals(name, "km")) return 1000;
  if (iequals(name, "ft")) return 0.3048;
  if (iequals(name, "mi")) return 1609.34;
  return std::nullopt;
}

}  // namespace holdfast
