#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "structures/geo_hash.h"

namespace holdfast {

/// What GEOSEARCH looks for: a circle or a box around a valid point. Lengths are meters, 0 or more, not nan.
struct GeoArea {
  enum class Shape : uint8_t { kCircle, kBox };

  static GeoArea circle(GeoPoint center, double radius) { return {Shape::kCircle, center, radius, 0, 0}; }
  static GeoArea box(GeoPoint center, double width, double height) { return {Shape::kBox, center, 0, width, height}; }

  /// Distance of `point` to the center in meters if the area contains it. A box contains the points that are at most
  /// half the height away along their meridian and half the width along the great circle at their own latitude.
  std::optional<double> distance_to(GeoPoint point) const;

  Shape shape;
  GeoPoint center;
  double radius;
  double width;
  double height;
};

/// Scores min <= score < max.
struct GeoScoreRange {
  uint64_t min;
  uint64_t max;

  bool operator==(GeoScoreRange const&) const = default;
};

/// The score ranges to be scanned for an area: disjoint, and together they have every point of the area (and others:
/// distance_to decides).
///
/// The order is that of Redis, whose unsorted results show it: the cell of the center, then its neighbours N, S, E, W,
/// NE, NW, SE, SW, where cells are about as large as the area and a neighbour is left out if the center's cell covers
/// the area's bounding box on its side. That rule misses points of areas that are near a pole, on the antimeridian or
/// wide boxes far from the equator; what it misses follows at the end, in ascending order. So the answer begins like
/// that of Redis, and is the same wherever that is complete.
std::vector<GeoScoreRange> geo_search_ranges(GeoArea const& area);

}  // namespace holdfast
