#include "structures/geo_area.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace holdfast {
namespace {

/// Half of the circumference in the projection, meters.
constexpr double kMercatorMaxMeters = 20037726.37;

/// Degrees made a little larger, by more than what distances are rounded by: next to nothing for small areas, but a
/// millionth of a degree where an area ends near a pole or the antipode, and the arcsine is steep.
double with_margin(double degrees) { return degrees * (1 + 1e-7) + 1e-12; }

struct HalfSize {
  double width;   ///< meters
  double height;  ///< meters
};

HalfSize half_size(GeoArea const& area) {
  if (area.shape == GeoArea::Shape::kCircle) return {area.radius, area.radius};
  return {area.width / 2, area.height / 2};
}

/// The step whose cells are at least as large as the radius, less far from the equator, where cells are narrow.
unsigned step_for(GeoArea const& area) {
  HalfSize const half = half_size(area);
  double radius = area.shape == GeoArea::Shape::kCircle
                      ? area.radius
                      : std::sqrt(half.width * half.width + half.height * half.height);
  if (radius == 0) return kGeoStepMax;
  int step = 1;
  while (radius < kMercatorMaxMeters) {
    radius *= 2;
    ++step;
  }
  step -= 2;
  double const latitude = std::abs(area.center.latitude);
  if (latitude > 66) --step;
  if (latitude > 80) --step;
  return static_cast<unsigned>(std::clamp(step, 1, static_cast<int>(kGeoStepMax)));
}

/// The box of Redis, by which it leaves neighbours out. Near a pole it is not a bound (the cosine turns negative).
GeoBounds redis_bounds(GeoArea const& area) {
  HalfSize const half = half_size(area);
  auto const [longitude, latitude] = area.center;
  double const d_latitude = radians_to_degrees(half.height / kEarthRadiusMeters);
  double const pole_side = latitude < 0 ? latitude - d_latitude : latitude + d_latitude;
  double const d_longitude =
      radians_to_degrees(half.width / kEarthRadiusMeters / std::cos(degrees_to_radians(pole_side)));
  return {longitude - d_longitude, latitude - d_latitude, longitude + d_longitude, latitude + d_latitude};
}

/// The cell `east` columns and `north` rows away (-1, 0, 1), around the globe in both directions. A coordinate that
/// does not move keeps its bit behind the grid (see geo_hash.h).
GeoCell neighbour(GeoCell cell, int east, int north) {
  uint32_t const mask = (uint32_t{1} << cell.step) - 1;
  GeoGrid grid = geo_grid(cell);
  if (east != 0) grid.column = (grid.column + static_cast<uint32_t>(east)) & mask;
  if (north != 0) grid.row = (grid.row + static_cast<uint32_t>(north)) & mask;
  return geo_cell(grid, cell.step);
}

struct Direction {
  int east;
  int north;
};
constexpr std::array<Direction, 9> kVisitOrder{
    {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};

/// One step is taken back if a neighbour ends within the bounds.
unsigned step_that_covers(GeoArea const& area, GeoBounds const& bounds) {
  unsigned const step = step_for(area);
  if (step == 1) return step;
  GeoCell const center = geo_cell_at(area.center, step);
  bool const covers = geo_bounds(neighbour(center, 0, 1)).north >= bounds.north &&
                      geo_bounds(neighbour(center, 0, -1)).south <= bounds.south &&
                      geo_bounds(neighbour(center, 1, 0)).east >= bounds.east &&
                      geo_bounds(neighbour(center, -1, 0)).west <= bounds.west;
  return covers ? step : step - 1;
}

/// The center's cell and those neighbours that Redis visits, in its order.
std::vector<GeoCell> redis_cells(GeoArea const& area) {
  GeoBounds const bounds = redis_bounds(area);
  unsigned const step = step_that_covers(area, bounds);
  GeoCell const center = geo_cell_at(area.center, step);
  GeoBounds const inner = geo_bounds(center);
  bool const exclude = step >= 2;
  bool const no_south = exclude && inner.south < bounds.south;
  bool const no_north = exclude && inner.north > bounds.north;
  bool const no_west = exclude && inner.west < bounds.west;
  bool const no_east = exclude && inner.east > bounds.east;

  std::vector<GeoCell> cells;
  cells.reserve(kVisitOrder.size());
  for (auto const [east, north] : kVisitOrder) {
    if ((north < 0 && no_south) || (north > 0 && no_north) || (east < 0 && no_west) || (east > 0 && no_east)) continue;
    GeoCell const cell = neighbour(center, east, north);
    // In a grid of two columns the eastern neighbour is the western one as well.
    if (cells.empty() || cells.back() != cell) cells.push_back(cell);
  }
  return cells;
}

/// Half the width in degrees of what `area` can contain: at most 180. `latitude_reached` is the largest distance to the
/// equator, in degrees, of a latitude that the area touches; nan counts as everything.
double half_width_degrees(GeoArea const& area, double latitude_reached) {
  double const angle = half_size(area).width / kEarthRadiusMeters;
  double sine;
  if (area.shape == GeoArea::Shape::kCircle) {
    if (!(latitude_reached < 90)) return 180;  // the pole is inside
    // Where a meridian touches the circle.
    sine = std::sin(angle) / std::cos(degrees_to_radians(area.center.latitude));
    if (!(sine < 1)) return 180;
    return radians_to_degrees(std::asin(sine));
  }
  if (!(angle < std::numbers::pi)) return 180;
  double const widest = degrees_to_radians(std::min(latitude_reached, kGeoLatitudeMax));
  sine = std::sin(angle / 2) / std::cos(widest);
  if (!(sine < 1)) return 180;
  return radians_to_degrees(2 * std::asin(sine));
}

/// Cells first..last along one side of the grid. The last one, 2^step, is that of the coordinate at the very end.
struct CellSpan {
  uint32_t first;
  uint32_t last;
};

/// Nothing if low..high does not meet -limit..limit.
std::optional<CellSpan> cell_span(double low, double high, double limit, unsigned step) {
  if (low > limit || high < -limit) return std::nullopt;
  auto const cell = [&](double value) {
    double const offset = (std::clamp(value, -limit, limit) + limit) / (2 * limit);
    return static_cast<uint32_t>(std::ldexp(offset, static_cast<int>(step)));
  };
  return CellSpan{cell(low), cell(high)};
}

/// Cells that the area touches and `visited` lacks, ascending.
std::vector<GeoCell> missed_cells(GeoArea const& area, std::vector<GeoCell> const& visited) {
  unsigned const step = visited.front().step;
  auto const [longitude, latitude] = area.center;
  double const d_latitude = with_margin(radians_to_degrees(half_size(area).height / kEarthRadiusMeters));
  double const reached = std::abs(latitude) + d_latitude;
  double const d_longitude = with_margin(half_width_degrees(area, reached));

  auto const rows = cell_span(latitude - d_latitude, latitude + d_latitude, kGeoLatitudeMax, step);
  std::vector<GeoCell> missed;
  for (double const turn : {-360.0, 0.0, 360.0}) {
    auto const columns =
        cell_span(longitude - d_longitude + turn, longitude + d_longitude + turn, kGeoLongitudeMax, step);
    if (!columns) continue;
    for (uint32_t row = rows->first; row <= rows->last; ++row) {
      for (uint32_t column = columns->first; column <= columns->last; ++column) {
        GeoCell const cell = geo_cell({row, column}, step);
        if (std::ranges::find(visited, cell) == visited.end()) missed.push_back(cell);
      }
    }
  }
  std::ranges::sort(missed, {}, &GeoCell::bits);
  auto const repeated = std::ranges::unique(missed);  // turns may overlap
  missed.erase(repeated.begin(), repeated.end());
  return missed;
}

GeoScoreRange scores_of(GeoCell cell) {
  unsigned const shift = 2 * (kGeoStepMax - cell.step);
  return {cell.bits << shift, (cell.bits + 1) << shift};
}

}  // namespace

std::optional<double> GeoArea::distance_to(GeoPoint point) const {
  if (shape == Shape::kBox) {
    if (geo_latitude_distance(point.latitude, center.latitude) > height / 2) return std::nullopt;
    if (geo_distance(point, {center.longitude, point.latitude}) > width / 2) return std::nullopt;
    return geo_distance(center, point);
  }
  double const distance = geo_distance(center, point);
  if (distance > radius) return std::nullopt;
  return distance;
}

std::vector<GeoScoreRange> geo_search_ranges(GeoArea const& area) {
  std::vector<GeoCell> const cells = redis_cells(area);
  std::vector<GeoScoreRange> ranges;
  ranges.reserve(cells.size());
  for (GeoCell const cell : cells) ranges.push_back(scores_of(cell));
  size_t const redis_ranges = ranges.size();
  for (GeoCell const cell : missed_cells(area, cells)) {
    GeoScoreRange const range = scores_of(cell);
    if (ranges.size() > redis_ranges && ranges.back().max == range.min) {
      ranges.back().max = range.max;
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

}  // namespace holdfast
