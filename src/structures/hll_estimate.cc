#include "structures/hll_estimate.h"

#include <cmath>
#include <limits>

namespace holdfast {
namespace {

constexpr double kRegisters = 16384;
/// Bits of the hash that are not the index; registers reach kValueBits + 1.
constexpr size_t kValueBits = 50;
/// 1 / (2 ln 2): the constant of the estimator for infinitely many registers.
constexpr double kAlphaInfinity = 0.721347520444481703680;
constexpr double kInt64End = 0x1p63;

/// x + sum of x^(2^k) * 2^(k-1): the correction for registers of 0.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double weight = 1;
  double sum = x;
  double before;
  do {
    x *= x;
    before = sum;
    sum += x * weight;
    weight += weight;
  } while (before != sum);
  return sum;
}

/// (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k) / 3: the correction for full registers.
double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double weight = 1.0;
  double sum = 1 - x;
  double before;
  do {
    x = std::sqrt(x);
    before = sum;
    weight *= 0.5;
    sum -= (1 - x) * (1 - x) * weight;
  } while (before != sum);
  return sum / 3;
}

}  // namespace

uint64_t estimate_cardinality(HllHistogram const& histogram) {
  double z = kRegisters * tau((kRegisters - histogram[kValueBits + 1]) / kRegisters);
  for (size_t value = kValueBits; value >= 1; --value) {
    z += histogram[value];
    z *= 0.5;
  }
  z += kRegisters * sigma(histogram[0] / kRegisters);
  double const estimate = kAlphaInfinity * kRegisters * kRegisters / z;
  if (!(estimate < kInt64End)) return uint64_t{1} << 63;
  return static_cast<uint64_t>(std::llround(estimate));
}

}  // namespace holdfast
