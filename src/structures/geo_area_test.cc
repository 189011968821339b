#include "structures/geo_area.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace holdfast {
namespace {

using Ids = std::vector<int>;

/// A geo set reduced to what a search needs: ids in the order of their scores.
struct Places {
  std::multimap<uint64_t, int> by_score;

  void add(int id, GeoPoint point) { by_score.emplace(geo_encode(point), id); }

  Ids search(GeoArea const& area) const {
    Ids found;
    for (GeoScoreRange const range : geo_search_ranges(area)) {
      auto const end = by_score.lower_bound(range.max);
      for (auto it = by_score.lower_bound(range.min); it != end; ++it) {
        if (area.distance_to(geo_decode(it->first))) found.push_back(it->second);
      }
    }
    return found;
  }

  Ids search_all(GeoArea const& area) const {
    Ids found;
    for (auto const& [score, id] : by_score) {
      if (area.distance_to(geo_decode(score))) found.push_back(id);
    }
    return found;
  }
};

Ids sorted(Ids ids) {
  std::ranges::sort(ids);
  return ids;
}

/// Sixty points around `center`, from a small generator so that the reference could be given the same.
Places sixty_around(GeoPoint center, double spread) {
  Places places;
  uint32_t state = 12345;
  auto const next = [&] {
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF;
    return spread * ((state >> 8) / static_cast<double>(1 << 23) * 2 - 1);
  };
  for (int id = 0; id < 60; ++id) {
    double longitude = center.longitude + next();
    if (longitude > 180) longitude -= 360;
    places.add(id, {longitude, center.latitude + next()});
  }
  return places;
}

// Replies of redis-server 7.0.15 to GEOSEARCH without ASC or DESC.
TEST(GeoArea, UnsortedResultsComeInTheOrderOfTheReference) {
  GeoPoint const sicily{13, 38};
  Places const south = sixty_around(sicily, 1);
  EXPECT_EQ(south.search(GeoArea::circle(sicily, 40e3)), (Ids{12, 37, 2, 32, 17, 23, 56, 9, 28, 3}));
  EXPECT_EQ(south.search(GeoArea::box(sicily, 200e3, 60e3)),
            (Ids{4, 58, 28, 3, 21, 59, 12, 37, 2, 32, 17, 23, 56, 9, 8}));
  EXPECT_EQ(south.search(GeoArea::circle(sicily, 150e3)),
            (Ids{52, 55, 39, 4,  58, 46, 6,  10, 27, 35, 18, 49, 53, 1,  16, 34, 0,  28, 3,  22,
                 5,  41, 57, 51, 21, 59, 12, 37, 2,  32, 17, 23, 56, 9,  19, 8,  54, 40, 13, 29,
                 47, 31, 38, 44, 20, 25, 48, 24, 36, 11, 7,  30, 14, 33, 26, 45, 50, 42, 15, 43}));
  EXPECT_EQ(south.search(GeoArea::circle(sicily, 1500e3)),
            (Ids{30, 14, 33, 26, 45, 50, 42, 15, 43, 52, 55, 39, 4,  58, 46, 6,  10, 27, 35, 18,
                 49, 53, 1,  16, 34, 0,  28, 3,  22, 5,  41, 57, 51, 21, 59, 12, 37, 2,  32, 17,
                 23, 56, 9,  19, 8,  54, 40, 13, 29, 47, 31, 38, 44, 20, 25, 48, 24, 36, 11, 7}));

  GeoPoint const fiji{179.9, -20};
  Places const east = sixty_around(fiji, 2);
  EXPECT_EQ(east.search(GeoArea::circle(fiji, 150e3)),
            (Ids{53, 34, 4, 12, 2, 46, 6, 37, 10, 18, 49, 16, 0, 28, 3, 32, 17, 21, 8, 23, 9, 56, 19, 54, 40, 13}));
  EXPECT_EQ(east.search(GeoArea::box(fiji, 200e3, 60e3)), (Ids{12, 2, 37, 32, 17, 23}));

  GeoPoint const arctic{0, 75};
  Places const north = sixty_around(arctic, 10);
  EXPECT_EQ(north.search(GeoArea::circle(arctic, 150e3)), (Ids{2, 32, 17, 23, 37}));
  EXPECT_EQ(north.search(GeoArea::circle(arctic, 1500e3)),
            (Ids{26, 50, 45, 42, 1,  22, 15, 43, 5,  41, 16, 0,  28, 3,  57, 51, 21, 8,  59, 2,
                 32, 17, 23, 56, 9,  19, 54, 40, 13, 24, 11, 36, 7,  14, 30, 33, 27, 35, 18, 49,
                 52, 39, 55, 53, 34, 4,  12, 58, 37, 46, 6,  10, 29, 38, 31, 47, 44, 25, 48, 20}));
}

TEST(GeoArea, PointsOnTheAntimeridianAreNotMissed) {
  Places places;
  places.add(0, {180, 0});  // the reference misses this one in the first search, and point 1 in the second
  places.add(1, {-179.9, 0});
  places.add(2, {179.8, 0});
  EXPECT_EQ(places.search(GeoArea::circle({179.9, 0}, 50e3)), (Ids{2, 1, 0}));
  EXPECT_EQ(places.search(GeoArea::circle({180, 0}, 50e3)), (Ids{0, 2, 1}));
  EXPECT_EQ(sorted(places.search(GeoArea::circle({-179.95, 0}, 50e3))), (Ids{0, 1, 2}));
}

void expect_whole_answer(Places const& places, GeoArea const& area) {
  auto const ranges = geo_search_ranges(area);
  ASSERT_FALSE(ranges.empty());
  for (size_t i = 0; i < ranges.size(); ++i) {
    ASSERT_LT(ranges[i].min, ranges[i].max);
    for (size_t j = 0; j < i; ++j) {
      ASSERT_TRUE(ranges[i].min >= ranges[j].max || ranges[j].min >= ranges[i].max) << "ranges overlap";
    }
  }
  ASSERT_EQ(sorted(places.search(area)), sorted(places.search_all(area)))
      << area.center.longitude << ' ' << area.center.latitude << " r " << area.radius << " w " << area.width << " h "
      << area.height;
}

TEST(GeoArea, FindsWhatLookingAtEveryPointFinds) {
  Random random(5);
  for (int round = 0; round < 60; ++round) {
    bool const polar = round % 3 == 0;
    auto const any_point = [&] {
      double const latitude = polar ? 60 + random.unit() * 25.05 : (random.unit() * 2 - 1) * kGeoLatitudeMax;
      return GeoPoint{random.below(8) == 0 ? 180 : random.unit() * 360 - 180, round % 2 ? latitude : -latitude};
    };
    GeoPoint const middle = any_point();
    double const spread = std::pow(10, random.unit() * 4 - 2.5);
    auto const near_point = [&] {
      double const longitude = middle.longitude + (random.unit() * 2 - 1) * spread;
      double const latitude = middle.latitude + (random.unit() * 2 - 1) * spread;
      return GeoPoint{std::remainder(longitude, 360), std::clamp(latitude, -kGeoLatitudeMax, kGeoLatitudeMax)};
    };
    Places places;
    for (int id = 0; id < 200; ++id) places.add(id, id % 4 == 0 ? any_point() : near_point());
    for (int search = 0; search < 60; ++search) {
      GeoPoint const center = search % 3 == 0 ? any_point() : near_point();
      auto const length = [&] {
        return search % 2 ? std::pow(10, random.unit() * 7.4) : spread * 111e3 * random.unit();
      };
      expect_whole_answer(places, GeoArea::circle(center, length()));
      expect_whole_answer(places, GeoArea::box(center, length(), length()));
    }
  }
}

TEST(GeoArea, ExtremeSizesAreHandled) {
  Places places;
  for (int id = 0; id < 100; ++id) places.add(id, {id * 3.6 - 180, id * 1.7 - 85});
  double const infinity = INFINITY;
  for (GeoPoint const center : {GeoPoint{0, 0}, GeoPoint{180, kGeoLatitudeMax}, GeoPoint{-180, -kGeoLatitudeMax}}) {
    EXPECT_EQ(places.search(GeoArea::circle(center, 1e9)).size(), 100u);
    EXPECT_EQ(places.search(GeoArea::circle(center, infinity)).size(), 100u);
    EXPECT_EQ(places.search(GeoArea::box(center, infinity, infinity)).size(), 100u);
    expect_whole_answer(places, GeoArea::circle(center, 0));
    expect_whole_answer(places, GeoArea::box(center, 0, infinity));
    expect_whole_answer(places, GeoArea::box(center, infinity, 0));
  }
  GeoPoint const stored = geo_decode(geo_encode({7.1, 3.3}));
  places.add(100, stored);
  EXPECT_EQ(places.search(GeoArea::circle(stored, 0)), (Ids{100}));
}

TEST(GeoArea, OrdinarySearchesScanAtMostNineRanges) {
  Random random(6);
  for (int round = 0; round < 2000; ++round) {
    GeoPoint const center{random.unit() * 340 - 170, random.unit() * 120 - 60};
    EXPECT_LE(geo_search_ranges(GeoArea::circle(center, std::pow(10, random.unit() * 5))).size(), 9u);
  }
}

TEST(GeoArea, BordersBelongToTheArea) {
  GeoPoint const center{10, 50};
  GeoPoint const point{10.5, 50.2};
  double const distance = geo_distance(center, point);
  EXPECT_EQ(GeoArea::circle(center, distance).distance_to(point), distance);
  EXPECT_EQ(GeoArea::circle(center, std::nextafter(distance, 0)).distance_to(point), std::nullopt);
  double const height = 2 * geo_latitude_distance(center.latitude, point.latitude);
  double const width = 2 * geo_distance(point, {center.longitude, point.latitude});
  EXPECT_EQ(GeoArea::box(center, width, height).distance_to(point), distance);
  EXPECT_EQ(GeoArea::box(center, std::nextafter(width, 0), height).distance_to(point), std::nullopt);
  EXPECT_EQ(GeoArea::box(center, width, std::nextafter(height, 0)).distance_to(point), std::nullopt);
}

}  // namespace
}  // namespace holdfast
