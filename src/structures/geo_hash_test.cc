#include "structures/geo_hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"

namespace holdfast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string hash_text(GeoPoint point) {
  auto const text = geo_hash_text(point);
  return std::string(text.begin(), text.end());
}

// Scores, positions and geohashes of redis-server 7.0.15.
TEST(GeoHash, EncodesLikeTheReference) {
  struct Row {
    GeoPoint point;
    uint64_t score;
    GeoPoint decoded;
    char const* text;
  };
  for (Row const& row : {
           Row{{13.361389, 38.115556}, 3479099956230698, {13.36138933897018433, 38.11555639549629859}, "sqc8b49rny0"},
           Row{{15.087269, 37.502669}, 3479447370796909, {15.08726745843887329, 37.50266842333162032}, "sqdtr74hyu0"},
           Row{{0, 0}, 3377699720527872, {0.00000268220901489, 0.00000126736058093}, "s0000000000"},
           Row{{180, 85.05112878}, 13510798882111488, {180, 85.0511287799999991}, "bp05b5048p0"},
           Row{{-180, -85.05112878}, 0, {-179.99999731779098511, -85.05112751263942528}, "00bh0hbj200"},
       }) {
    EXPECT_EQ(geo_encode(row.point), row.score);
    GeoPoint const decoded = geo_decode(row.score);
    EXPECT_NEAR(decoded.longitude, row.decoded.longitude, 1e-17 + std::abs(row.decoded.longitude) * 1e-16);
    EXPECT_NEAR(decoded.latitude, row.decoded.latitude, 1e-17 + std::abs(row.decoded.latitude) * 1e-16);
    EXPECT_EQ(hash_text(decoded), row.text);
  }
}

TEST(GeoHash, DecodesAnyScoreToAValidPoint) {
  // Results of redis-server 7.0.15 for scores that ZADD has put there.
  EXPECT_EQ(geo_decode(geo_bits_of_score(-1)), (GeoPoint{180, kGeoLatitudeMax}));
  EXPECT_EQ(geo_decode(geo_bits_of_score(1e300)), geo_decode(0));
  EXPECT_EQ(geo_decode(geo_bits_of_score(-kInfinity)), (GeoPoint{180, geo_decode(0).latitude}));
  for (double const score :
       {-1.5, 0.5, 0x1p54, 0x1p63, 1.5 * 0x1p63, 0x1p64, -0x1p63, -0x1p65, kInfinity, std::nan("")}) {
    EXPECT_TRUE(geo_point_valid(geo_decode(geo_bits_of_score(score)))) << score;
  }
  EXPECT_EQ(geo_bits_of_score(3479099956230698.0), 3479099956230698u);
  EXPECT_EQ(geo_bits_of_score(1.5 * 0x1p63), 3ull << 62);
}

TEST(GeoHash, LimitsAreIncludedAndNanIsNot) {
  EXPECT_TRUE(geo_point_valid({180, 85.05112878}));
  EXPECT_TRUE(geo_point_valid({-180, -85.05112878}));
  EXPECT_FALSE(geo_point_valid({180.0000001, 0}));
  EXPECT_FALSE(geo_point_valid({0, 85.0511288}));
  EXPECT_FALSE(geo_point_valid({std::nan(""), 0}));
  EXPECT_FALSE(geo_point_valid({0, std::nan("")}));
  EXPECT_FALSE(geo_point_valid({-kInfinity, 0}));
}

TEST(GeoHash, EveryCellContainsItsPointsAndIsAPrefixOfTheSmallerOnes) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    GeoPoint const point{random.unit() * 360 - 180, (random.unit() * 2 - 1) * kGeoLatitudeMax};
    uint64_t const score = geo_encode(point);
    for (unsigned step = 1; step <= kGeoStepMax; ++step) {
      GeoCell const cell = geo_cell_at(point, step);
      EXPECT_EQ(cell.bits, score >> (2 * (kGeoStepMax - step)));
      EXPECT_EQ(geo_cell(geo_grid(cell), step), cell);
      GeoBounds const bounds = geo_bounds(cell);
      EXPECT_TRUE(bounds.west <= point.longitude + 1e-9 && point.longitude <= bounds.east + 1e-9);
      EXPECT_TRUE(bounds.south <= point.latitude + 1e-9 && point.latitude <= bounds.north + 1e-9);
    }
    EXPECT_EQ(geo_encode(geo_decode(score)), score);
  }
}

TEST(GeoHash, RowsAndColumnsAreInterleaved) {
  EXPECT_EQ(geo_cell({1, 0}, 26).bits, 1u);
  EXPECT_EQ(geo_cell({0, 1}, 26).bits, 2u);
  EXPECT_EQ(geo_cell({0b101, 0b011}, 26).bits, 0b011011u);
  EXPECT_EQ(geo_grid({0b011011, 26}).row, 0b101u);
  EXPECT_EQ(geo_grid({0b011011, 26}).column, 0b011u);
}

TEST(GeoHash, DistancesAreThoseOfTheReference) {
  auto const palermo = geo_decode(3479099956230698);
  EXPECT_NEAR(geo_distance(palermo, geo_decode(3479447370796909)), 166274.1516, 5e-5);
  EXPECT_NEAR(geo_distance(palermo, geo_decode(3377699720527872)), 4454733.0204, 5e-5);
  EXPECT_NEAR(geo_distance(palermo, geo_decode(13510798882111488)), 6307362.7206, 5e-5);
  EXPECT_NEAR(geo_distance(palermo, geo_decode(0)), 14784257.5187, 5e-5);
  EXPECT_EQ(geo_distance(palermo, palermo), 0);
}

/// The angle between the two vectors from the middle of the globe.
double vector_distance(GeoPoint a, GeoPoint b) {
  double const la = degrees_to_radians(a.latitude), lb = degrees_to_radians(b.latitude);
  double const turn = degrees_to_radians(b.longitude - a.longitude);
  double const cross = std::hypot(std::cos(lb) * std::sin(turn),
                                  std::cos(la) * std::sin(lb) - std::sin(la) * std::cos(lb) * std::cos(turn));
  double const dot = std::sin(la) * std::sin(lb) + std::cos(la) * std::cos(lb) * std::cos(turn);
  return kEarthRadiusMeters * std::atan2(cross, dot);
}

TEST(GeoHash, DistanceIsTheAngleBetweenTwoVectors) {
  Random random(2);
  for (int round = 0; round < 2000; ++round) {
    GeoPoint const a{random.unit() * 360 - 180, random.unit() * 170 - 85};
    GeoPoint const b{random.unit() * 360 - 180, random.unit() * 170 - 85};
    EXPECT_NEAR(geo_distance(a, b), vector_distance(a, b), 1);
    EXPECT_NEAR(geo_distance(a, {a.longitude, b.latitude}), geo_latitude_distance(a.latitude, b.latitude), 1e-6);
  }
}

TEST(GeoHash, UnitsHaveAnyCase) {
  EXPECT_EQ(geo_unit_meters("m"), 1);
  EXPECT_EQ(geo_unit_meters("KM"), 1000);
  EXPECT_EQ(geo_unit_meters("Ft"), 0.3048);
  EXPECT_EQ(geo_unit_meters("mi"), 1609.34);
  EXPECT_EQ(geo_unit_meters("miles"), std::nullopt);
  EXPECT_EQ(geo_unit_meters(""), std::nullopt);
}

}  // namespace
}  // namespace holdfast
