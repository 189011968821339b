#include "structures/hyperloglog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sha1.h"
#include "structures/hll_estimate.h"
#include "structures/hll_sparse.h"

namespace holdfast {
namespace {

using namespace std::string_literals;

constexpr size_t kMax = kHllSparseBytesMaxDefault;

std::string element(size_t number) { return "e" + std::to_string(number); }

std::string with_elements(size_t first, size_t end, size_t sparse_bytes_max = kMax) {
  std::string bytes = hll_empty();
  for (size_t i = first; i < end; ++i) EXPECT_TRUE(hll_add(bytes, element(i), sparse_bytes_max));
  return bytes;
}

std::string sparse_header() { return "HYLL\1\0\0\0\0\0\0\0\0\0\0\x80"s; }

/// A run list of random shape that covers all registers, as other writers may produce it.
std::string random_sparse(Random& random) {
  std::string bytes = sparse_header();
  for (uint64_t left = kHllRegisters; left > 0;) {
    uint64_t const kind = random.below(3);
    uint64_t length = 1 + random.below(kind == 0 ? 64 : kind == 1 ? 3000 : 4);
    length = std::min(length, left);
    left -= length;
    if (kind == 0) bytes += static_cast<char>(length - 1);
    if (kind == 1) {
      bytes += static_cast<char>(0x40 | ((length - 1) >> 8));
      bytes += static_cast<char>((length - 1) & 0xFF);
    }
    if (kind == 2) bytes += static_cast<char>(0x80 | (random.below(32) << 2) | (length - 1));
  }
  return bytes;
}

TEST(Hll, HashAndObservationsAreThoseOfTheReference) {
  EXPECT_EQ(hll_hash("hello world"), 0xA919BC3051F624B7);
  auto const expect = [](std::string_view text, uint16_t index, uint8_t value) {
    HllObservation const seen = hll_observe(text);
    EXPECT_EQ(seen.index, index) << text;
    EXPECT_EQ(seen.value, value) << text;
  };
  expect("a", 12711, 2);
  expect("b", 15780, 1);
  expect("c", 8436, 1);
}

TEST(Hll, EmptyOneHasAValidCountOfZero) {
  EXPECT_EQ(hll_empty(), "HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7F\xFF"s);
  EXPECT_EQ(hll_cached_count(hll_empty()), 0u);
  EXPECT_EQ(hll_count(hll_empty()), 0u);
}

TEST(Hll, ThreeElementsHaveTheBytesOfTheReference) {
  std::string bytes = hll_empty();
  for (auto const text : {"a", "b", "c"}) EXPECT_EQ(hll_add(bytes, text, kMax), true);
  EXPECT_EQ(bytes, sparse_header() + "\x60\xF3\x80\x50\xB1\x84\x4B\xFB\x80\x42\x5A"s);
  EXPECT_EQ(hll_describe_sparse(bytes), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
  EXPECT_EQ(hll_add(bytes, "b", kMax), false);
  EXPECT_EQ(hll_count(bytes), 3u);
}

TEST(Hll, CountIsCachedUntilARegisterGrows) {
  std::string bytes = with_elements(0, 10);
  EXPECT_EQ(hll_cached_count(bytes), std::nullopt);
  hll_store_count(bytes, 10);
  EXPECT_EQ(hll_cached_count(bytes), 10u);
  EXPECT_EQ(hll_add(bytes, element(3), kMax), false);
  EXPECT_EQ(hll_cached_count(bytes), 10u);
  EXPECT_EQ(hll_add(bytes, "another", kMax), true);
  EXPECT_EQ(hll_cached_count(bytes), std::nullopt);
  EXPECT_EQ(bytes[8], 10) << "only the top bit changes";
}

// Recorded from redis-server 7.0.15: PFADD of e0..e<n-1> in growing batches, then GET, then PFCOUNT.
struct Recorded {
  size_t sparse_bytes_max;
  size_t elements;
  size_t size;
  uint64_t count;
  char const* sha1;
};
constexpr Recorded kRecorded[] = {
    {3000, 1, 21, 1, "3eb3234681303a26e57d597ed228af6a15d63ac1"},
    {3000, 10, 48, 10, "67c5c787a2fad7560f104350d1f264f019d3d5e7"},
    {3000, 50, 157, 50, "518d568a0725b45929d367333f22413e15bdfef0"},
    {3000, 100, 285, 100, "54176474da9fe6837a4c7a6d8f4915e755d1c20a"},
    {3000, 500, 1068, 506, "19cc9e4006d2ef1984a9c795f188b4ecfdca69cd"},
    {3000, 1000, 1906, 1008, "3071f6a9ce1ce6f2ed12b394b99d18802ac2fe71"},
    {3000, 10000, 12304, 9973, "43f128e4008dd0482ccda147f40b3f616bf0cc40"},
    {3000, 100000, 12304, 100853, "b4ff5302786efd0d03241d5eb5ac22e0d66006f2"},
    {100, 1, 21, 1, "3eb3234681303a26e57d597ed228af6a15d63ac1"},
    {100, 10, 48, 10, "67c5c787a2fad7560f104350d1f264f019d3d5e7"},
    {100, 50, 12304, 50, "040ffc5ecf78e760354b5dd78a3f46f6006f1efb"},
    {100, 100, 12304, 100, "b06aa7167410bf19e20887c1db14fec551fedbab"},
    {100, 500, 12304, 506, "9bf2e29a2615755779f0a2210f6779cf3ce2a0f5"},
    {100, 1000, 12304, 1008, "7f1bccf07c1f81364d37b122a9727e25a3ebf4dc"},
    {100, 10000, 12304, 9973, "43f128e4008dd0482ccda147f40b3f616bf0cc40"},
    {100, 100000, 12304, 100853, "b4ff5302786efd0d03241d5eb5ac22e0d66006f2"},
};

TEST(Hll, BytesAndCountsAreThoseOfTheReference) {
  std::string bytes;
  size_t added = 0;
  for (Recorded const& row : kRecorded) {
    SCOPED_TRACE(testing::Message() << row.elements << " elements, limit " << row.sparse_bytes_max);
    if (row.elements == 1) {
      bytes = hll_empty();
      added = 0;
    }
    for (; added < row.elements; ++added) ASSERT_TRUE(hll_add(bytes, element(added), row.sparse_bytes_max));
    EXPECT_EQ(bytes.size(), row.size);
    EXPECT_EQ(sha1_hex(bytes), row.sha1);
    auto const count = hll_count(bytes);
    ASSERT_EQ(count, row.count);
    hll_store_count(bytes, *count);
  }
}

TEST(Hll, MergeHasTheBytesOfTheReference) {
  std::string const parts[] = {with_elements(0, 300), with_elements(200, 500), with_elements(0, 5000)};
  auto const merge = [&](std::vector<size_t> const& which, std::string into) {
    HllUnion all;
    for (size_t i : which) EXPECT_TRUE(all.merge(parts[i]));
    EXPECT_TRUE(all.store(into, kMax));
    EXPECT_EQ(hll_cached_count(into), std::nullopt);
    EXPECT_EQ(hll_count(into), all.count());
    return into;
  };
  EXPECT_EQ(sha1_hex(merge({0, 1}, hll_empty())), "dc4c5c567a263152bb03598f9664eccf9ac734e6");
  EXPECT_EQ(sha1_hex(merge({1, 0}, hll_empty())), "dc4c5c567a263152bb03598f9664eccf9ac734e6");
  EXPECT_EQ(sha1_hex(merge({0, 1, 2}, hll_empty())), "21f2bcbf124c89c42b46e149b5d2218e30c42fd1");
  EXPECT_EQ(hll_count(merge({0, 1}, hll_empty())), 506u);
  EXPECT_EQ(hll_count(merge({0, 1, 2}, hll_empty())), 4968u);
}

TEST(Hll, MergeKeepsWhatTheDestinationHas) {
  HllUnion second;
  ASSERT_TRUE(second.merge(with_elements(200, 500)));
  std::string into = with_elements(0, 300);
  ASSERT_TRUE(second.store(into, kMax));
  EXPECT_EQ(hll_registers(into), hll_registers(with_elements(0, 500)));
}

TEST(Hll, MergeIsDenseWhenAPartIsOrWhenItOutgrowsTheLimit) {
  std::string dense = with_elements(0, 3);
  ASSERT_EQ(hll_make_dense(dense), true);
  HllUnion all;
  ASSERT_TRUE(all.merge(dense));
  std::string into = hll_empty();
  ASSERT_TRUE(all.store(into, kMax));
  EXPECT_EQ(into.size(), kHllDenseBytes);

  HllUnion many;
  ASSERT_TRUE(many.merge(with_elements(0, 100)));
  into = hll_empty();
  ASSERT_TRUE(many.store(into, 100));
  EXPECT_EQ(into.size(), kHllDenseBytes);
  EXPECT_EQ(hll_registers(into), hll_registers(with_elements(0, 100)));
}

TEST(Hll, SparseAndDenseHoldTheRegistersOfAPlainTable) {
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    std::string sparse = random_sparse(random);
    auto model = hll_registers(sparse);
    ASSERT_TRUE(model);
    std::string dense = sparse;
    ASSERT_EQ(hll_make_dense(dense), true);
    ASSERT_EQ(hll_make_dense(dense), false);
    ASSERT_EQ(hll_registers(dense), model);
    for (int i = 0; i < 300; ++i) {
      std::string const text = std::to_string(random.next());
      HllObservation const seen = hll_observe(text);
      bool const grows = (*model)[seen.index] < seen.value;
      (*model)[seen.index] = std::max((*model)[seen.index], seen.value);
      ASSERT_EQ(hll_add(sparse, text, 1 << 20), grows);
      ASSERT_EQ(hll_add_dense(dense, text), grows);
    }
    ASSERT_LT(sparse.size(), kHllDenseBytes);
    ASSERT_EQ(hll_registers(sparse), model);
    ASSERT_EQ(hll_registers(dense), model);
    ASSERT_EQ(hll_count(sparse), hll_count(dense));
  }
}

TEST(Hll, UpdatesThatGoOnAlongTheStringGiveTheSameBytesAsUpdatesFromTheStart) {
  Random random(8);
  for (int round = 0; round < 3000; ++round) {
    // Few values and short runs, so that runs are joined and split again all the time.
    std::string walked = sparse_header();
    uint32_t registers = 0;
    while (registers < 60) {
      uint64_t const length = 1 + random.below(4);
      uint64_t const value = random.below(4);
      walked += static_cast<char>(value == 0 ? length - 1 : 0x80 | ((value - 1) << 2) | (length - 1));
      registers += length;
    }
    std::string restarted = walked;
    HllSparseUpdater updater(walked);
    for (uint32_t index = 0; index < 60; index += random.below(3)) {
      HllObservation const seen{static_cast<uint16_t>(index), static_cast<uint8_t>(1 + random.below(4))};
      auto const change = updater.raise(seen, 1 << 20);
      ASSERT_EQ(HllSparseUpdater(restarted).raise(seen, 1 << 20), change);
      ASSERT_EQ(walked, restarted) << "register " << index;
    }
  }
}

TEST(Hll, ValueOver32MakesItDense) {
  std::string bytes = hll_empty();
  EXPECT_EQ(HllSparseUpdater(bytes).raise({5, 33}, kMax), HllSparseChange::kMustGrow);
  EXPECT_EQ(bytes, hll_empty());
  EXPECT_EQ(HllSparseUpdater(bytes).raise({5, 32}, kMax), HllSparseChange::kDone);
  EXPECT_EQ(hll_describe_sparse(bytes), "z:5 v:32,1 Z:16378");
}

TEST(Hll, ForeignStringsAreRefused) {
  std::string const wrong[] = {"",
                               "HYLL",
                               "HYLL\1\0\0\0\0\0\0\0\0\0\0"s,
                               "HYLX\1\0\0\0\0\0\0\0\0\0\0\0\x7F\xFF"s,
                               "HYLL\2\0\0\0\0\0\0\0\0\0\0\0\x7F\xFF"s,
                               "HYLL"s + std::string(100, '\0'),
                               "HYLL"s + std::string(kHllDenseBytes - 3, '\0')};
  for (std::string bytes : wrong) {
    EXPECT_EQ(hll_encoding(bytes).error(), HllError::kNotHll);
    EXPECT_EQ(hll_count(bytes).error(), HllError::kNotHll);
    EXPECT_EQ(hll_registers(bytes).error(), HllError::kNotHll);
    EXPECT_EQ(hll_add(bytes, "a", kMax).error(), HllError::kNotHll);
    EXPECT_EQ(hll_make_dense(bytes).error(), HllError::kNotHll);
    HllUnion all;
    EXPECT_EQ(all.merge(bytes).error(), HllError::kNotHll);
    EXPECT_EQ(all.store(bytes, kMax).error(), HllError::kNotHll);
  }
  EXPECT_EQ(hll_encoding("HYLL\1\3\3\3\0\0\0\0\0\0\0\0"s), HllEncoding::kSparse) << "the spare bytes mean nothing";
}

TEST(Hll, RunsThatDoNotMakeAllRegistersAreCorrupted) {
  std::string const bodies[] = {"",
                                "\0"s,
                                "\x7F",
                                "\x7F\xFE",
                                "\x7F\xFF\0"s,
                                "\0\x7F\xFF"s,
                                "\x80\x7F\xFF"s,
                                "\x7F\xFF\x7F\xFF",
                                std::string(4095, '\xFF')};
  for (std::string const& body : bodies) {
    std::string bytes = sparse_header() + body;
    std::string const before = bytes;
    EXPECT_EQ(hll_count(bytes).error(), HllError::kCorrupted);
    EXPECT_EQ(hll_registers(bytes).error(), HllError::kCorrupted);
    EXPECT_EQ(hll_make_dense(bytes).error(), HllError::kCorrupted);
    HllUnion all;
    EXPECT_EQ(all.merge(bytes).error(), HllError::kCorrupted);
    EXPECT_EQ(all.count(), 0u);
    EXPECT_EQ(all.store(bytes, kMax).error(), HllError::kCorrupted);
    EXPECT_EQ(bytes, before);
  }
}

TEST(Hll, AddRefusesRunsThatEndBeforeTheRegister) {
  std::string bytes = sparse_header() + '\0';
  std::string const before = bytes;
  EXPECT_EQ(hll_add(bytes, "a", kMax).error(), HllError::kCorrupted);
  EXPECT_EQ(bytes, before);
}

TEST(Hll, RandomBytesAreReadWithinTheirBounds) {
  Random random(9);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = round % 2 ? random_sparse(random) : sparse_header();
    for (uint64_t i = random.below(5); i > 0; --i) bytes += static_cast<char>(random.next());
    if (bytes.size() > kHllHeaderBytes) {
      bytes[kHllHeaderBytes + random.below(bytes.size() - kHllHeaderBytes)] = static_cast<char>(random.next());
    }
    bytes.shrink_to_fit();
    bool const sound = hll_registers(bytes).has_value();
    EXPECT_EQ(hll_count(bytes).has_value(), sound);
    std::string const text = hll_describe_sparse(bytes);
    EXPECT_LE(static_cast<size_t>(std::ranges::count(text, ':')), bytes.size() - kHllHeaderBytes);
    for (int i = 0; i < 5; ++i) {
      auto const added = hll_add(bytes, std::to_string(random.next()), 200);
      EXPECT_TRUE(added || !sound);
    }
  }
}

TEST(Hll, DenseRegistersThatNoElementsGiveAreCountedLikeTheReference) {
  auto const filled = [](unsigned value) {
    unsigned const four = value | value << 6 | value << 12 | value << 18;
    std::string bytes = "HYLL"s + std::string(12, '\0');
    for (size_t i = 0; i < kHllRegisters / 4; ++i) {
      for (unsigned shift : {0u, 8u, 16u}) bytes += static_cast<char>(four >> shift);
    }
    return bytes;
  };
  EXPECT_EQ(hll_count(filled(0)), 0u);
  EXPECT_EQ(hll_count(filled(1)), 23637u);
  EXPECT_EQ(hll_count(filled(51)), uint64_t{1} << 63);
  EXPECT_EQ(hll_count(filled(63)), uint64_t{1} << 63);
  EXPECT_EQ(hll_count(sparse_header() + std::string(4096, '\xFF')), 50760319129350u);
}

/// The published formulas as infinite sums, cut where the terms vanish.
double reference_estimate(HllHistogram const& histogram) {
  constexpr double kM = 16384;
  double const zeros = histogram[0] / kM;
  if (zeros == 1) return 0;
  double sigma = zeros;
  for (int k = 1; k < 60; ++k) sigma += std::pow(zeros, std::exp2(k)) * std::exp2(k - 1);
  double const not_full = 1 - histogram[51] / kM;
  double tau = 1 - not_full;
  for (int k = 1; k < 60; ++k) tau -= std::pow(1 - std::pow(not_full, std::exp2(-k)), 2) * std::exp2(-k);
  double denominator = kM * sigma + kM * tau / 3 * std::exp2(-50);
  for (int k = 1; k <= 50; ++k) denominator += histogram[static_cast<size_t>(k)] * std::exp2(-k);
  return kM * kM / (2 * std::log(2.0)) / denominator;
}

TEST(HllEstimate, AgreesWithThePublishedFormula) {
  Random random(10);
  for (int round = 0; round < 200; ++round) {
    HllHistogram histogram{};
    uint64_t const center = random.below(40);
    for (size_t i = 0; i < kHllRegisters; ++i) ++histogram[std::min<uint64_t>(center + random.below(8), 51)];
    double const expected = reference_estimate(histogram);
    EXPECT_NEAR(static_cast<double>(estimate_cardinality(histogram)), expected, 0.5 + expected * 1e-12);
  }
}

}  // namespace
}  // namespace holdfast
