#include "base/crc64.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Bits are reflected throughout: bit 0 of a word is its highest power of x.
namespace holdfast {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kPolynomial = 0x95AC9329AC4BC9B5;

constexpr uint64_t times_x(uint64_t a) { return (a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0); }

using Tables = std::array<std::array<uint64_t, 256>, 8>;

// tables[k][b] is the crc of byte b followed by k zero bytes.
constexpr Tables make_tables() {
  Tables tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      uint64_t const previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint64_t load64(char const* at) {
  uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

#if defined(__x86_64__)

// x^power mod P, reflected.
constexpr uint64_t power_of_x(unsigned power) {
  uint64_t value = uint64_t{1} << 63;  // x^0
  for (unsigned i = 0; i < power; ++i) value = times_x(value);
  return value;
}

// Folding: a 128-bit block L*x^64 + H that stands D bits ahead of another has the same remainder as
// L*(x^(D+64) mod P) + H*(x^D mod P) added to that other block. The product of two reflected words comes out multiplied
// by x, hence the powers below are one less.
constexpr uint64_t fold_low(unsigned distance_bits) { return power_of_x(distance_bits + 64 - 1); }
constexpr uint64_t fold_high(unsigned distance_bits) { return power_of_x(distance_bits - 1); }

constexpr uint64_t kFold512Low = fold_low(512);
constexpr uint64_t kFold512High = fold_high(512);
constexpr uint64_t kFold128Low = fold_low(128);
constexpr uint64_t kFold128High = fold_high(128);

constexpr size_t kLaneBytes = 16;
constexpr size_t kStrideBytes = 4 * kLaneBytes;
// Below this the tables are as fast.
constexpr size_t kFoldingBytesMin = 2 * kStrideBytes;

__attribute__((target("pclmul,sse2"))) inline __m128i fold(__m128i block, __m128i constants, __m128i onto) {
  __m128i const low = _mm_clmulepi64_si128(block, constants, 0x00);
  __m128i const high = _mm_clmulepi64_si128(block, constants, 0x11);
  return _mm_xor_si128(onto, _mm_xor_si128(low, high));
}

__attribute__((target("pclmul,sse2"))) inline __m128i load128(char const* at) {
  return _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
}

__attribute__((target("pclmul,sse2"))) uint64_t crc64_by_folding(uint64_t crc, std::string_view bytes) {
  char const* at = bytes.data();
  size_t left = bytes.size();
  __m128i lane[4];
  for (int i = 0; i < 4; ++i) lane[i] = load128(at + static_cast<size_t>(i) * kLaneBytes);
  lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, static_cast<int64_t>(crc)));
  at += kStrideBytes;
  left -= kStrideBytes;

  __m128i const by512 = _mm_set_epi64x(static_cast<int64_t>(kFold512High), static_cast<int64_t>(kFold512Low));
  while (left >= kStrideBytes) {
    lane[0] = fold(lane[0], by512, load128(at));
    lane[1] = fold(lane[1], by512, load128(at + kLaneBytes));
    lane[2] = fold(lane[2], by512, load128(at + 2 * kLaneBytes));
    lane[3] = fold(lane[3], by512, load128(at + 3 * kLaneBytes));
    at += kStrideBytes;
    left -= kStrideBytes;
  }

  __m128i const by128 = _mm_set_epi64x(static_cast<int64_t>(kFold128High), static_cast<int64_t>(kFold128Low));
  __m128i block = lane[0];
  for (int i = 1; i < 4; ++i) block = fold(block, by128, lane[i]);
  while (left >= kLaneBytes) {
    block = fold(block, by128, load128(at));
    at += kLaneBytes;
    left -= kLaneBytes;
  }

  // The last block is a message of 16 bytes with the remainder of everything so far.
  char rest[kLaneBytes];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), block);
  return crc64_by_tables(crc64_by_tables(0, {rest, sizeof rest}), {at, left});
}

bool has_carryless_multiply() {
  static bool const has = __builtin_cpu_supports("pclmul") != 0;
  return has;
}

#endif

}  // namespace

uint64_t crc64_by_tables(uint64_t crc, std::string_view bytes) {
  char const* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    crc ^= load64(at);
    crc = kTables[7][crc & 0xFF] ^ kTables[6][(crc >> 8) & 0xFF] ^ kTables[5][(crc >> 16) & 0xFF] ^
          kTables[4][(crc >> 24) & 0xFF] ^ kTables[3][(crc >> 32) & 0xFF] ^ kTables[2][(crc >> 40) & 0xFF] ^
          kTables[1][(crc >> 48) & 0xFF] ^ kTables[0][crc >> 56];
  }
  for (; left > 0; ++at, --left) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFF];
  }
  return crc;
}

uint64_t crc64(uint64_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kFoldingBytesMin && has_carryless_multiply()) return crc64_by_folding(crc, bytes);
#endif
  return crc64_by_tables(crc, bytes);
}

}  // namespace holdfast
