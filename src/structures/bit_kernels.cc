#include "structures/bit_kernels.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace holdfast {
namespace {

constexpr size_t kBlockBytes = 128;  // combined at once: four AVX2 registers, two cache lines
constexpr size_t kStepBytes = 32;

uint64_t load_u64(char const* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Bytes from..out.size(), eight at a time and the rest one by one.
template <BitOperation kOperation>
void combine_words(std::span<char const* const> sources, std::span<char> out, size_t from) {
  auto const combine = [&]<class T>(T, size_t at) {
    T value;
    std::memcpy(&value, sources[0] + at, sizeof value);
    for (char const* source : sources.subspan(1)) {
      T other;
      std::memcpy(&other, source + at, sizeof other);
      if constexpr (kOperation == BitOperation::kAnd) value &= other;
      if constexpr (kOperation == BitOperation::kOr) value |= other;
      if constexpr (kOperation == BitOperation::kXor) value ^= other;
    }
    if constexpr (kOperation == BitOperation::kNot) value = static_cast<T>(~value);
    std::memcpy(out.data() + at, &value, sizeof value);
  };
  for (; from + sizeof(uint64_t) <= out.size(); from += sizeof(uint64_t)) combine(uint64_t{}, from);
  for (; from < out.size(); ++from) combine(uint8_t{}, from);
}

#if defined(__x86_64__)
#define HOLDFAST_AVX2 __attribute__((target("avx2")))

bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

/// Bits per 64-bit lane: nibbles are looked up in a table of 16 counts (Mula, Kurz, Lemire, "Faster population counts
/// using AVX2 instructions", 2018), byte counts of eight steps are summed before they are widened.
HOLDFAST_AVX2 uint64_t count_ones_avx2(std::string_view bytes) {
  __m256i const table =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  __m256i const low_nibbles = _mm256_set1_epi8(0x0F);
  __m256i lanes = _mm256_setzero_si256();
  constexpr size_t kRound = 8 * kStepBytes;  // a byte counts up to 64 in it
  size_t at = 0;
  for (; at + kRound <= bytes.size(); at += kRound) {
    __m256i counts = _mm256_setzero_si256();
    for (size_t i = 0; i < kRound; i += kStepBytes) {
      __m256i const data = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(bytes.data() + at + i));
      __m256i const low = _mm256_and_si256(data, low_nibbles);
      __m256i const high = _mm256_and_si256(_mm256_srli_epi16(data, 4), low_nibbles);
      counts = _mm256_add_epi8(counts, _mm256_shuffle_epi8(table, low));
      counts = _mm256_add_epi8(counts, _mm256_shuffle_epi8(table, high));
    }
    lanes = _mm256_add_epi64(lanes, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
  }
  uint64_t sums[4];
  std::memcpy(sums, &lanes, sizeof sums);
  return sums[0] + sums[1] + sums[2] + sums[3] + count_ones_portable(bytes.substr(at));
}

HOLDFAST_AVX2 size_t skip_equal_bytes_avx2(std::string_view bytes, uint8_t byte) {
  __m256i const pattern = _mm256_set1_epi8(static_cast<char>(byte));
  size_t at = 0;
  for (; at + kBlockBytes <= bytes.size(); at += kBlockBytes) {
    auto const* from = reinterpret_cast<__m256i const*>(bytes.data() + at);
    __m256i differences = _mm256_xor_si256(_mm256_loadu_si256(from), pattern);
    for (int i = 1; i < 4; ++i) {
      differences = _mm256_or_si256(differences, _mm256_xor_si256(_mm256_loadu_si256(from + i), pattern));
    }
    if (!_mm256_testz_si256(differences, differences)) break;
  }
  return at;
}

template <BitOperation kOperation>
HOLDFAST_AVX2 void combine_avx2(std::span<char const* const> sources, std::span<char> out) {
  size_t at = 0;
  for (; at + kBlockBytes <= out.size(); at += kBlockBytes) {
    __m256i values[4];
    for (int i = 0; i < 4; ++i) {
      values[i] = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(sources[0] + at) + i);
    }
    for (char const* source : sources.subspan(1)) {
      for (int i = 0; i < 4; ++i) {
        __m256i const other = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(source + at) + i);
        if constexpr (kOperation == BitOperation::kAnd) values[i] = _mm256_and_si256(values[i], other);
        if constexpr (kOperation == BitOperation::kOr) values[i] = _mm256_or_si256(values[i], other);
        if constexpr (kOperation == BitOperation::kXor) values[i] = _mm256_xor_si256(values[i], other);
      }
    }
    for (int i = 0; i < 4; ++i) {
      if constexpr (kOperation == BitOperation::kNot) values[i] = _mm256_xor_si256(values[i], _mm256_set1_epi8(-1));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.data() + at) + i, values[i]);
    }
  }
  combine_words<kOperation>(sources, out, at);
}

#undef HOLDFAST_AVX2
#endif

}  // namespace

uint64_t count_ones_portable(std::string_view bytes) {
  uint64_t count = 0;
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) count += static_cast<uint64_t>(std::popcount(load_u64(bytes.data() + at)));
  for (; at < bytes.size(); ++at) count += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(bytes[at])));
  return count;
}

size_t skip_equal_bytes_portable(std::string_view bytes, uint8_t byte) {
  uint64_t const pattern = byte * uint64_t{0x0101010101010101};
  size_t at = 0;
  for (; at + kStepBytes <= bytes.size(); at += kStepBytes) {
    uint64_t differences = 0;
    for (size_t i = 0; i < kStepBytes; i += 8) differences |= load_u64(bytes.data() + at + i) ^ pattern;
    if (differences != 0) break;
  }
  return at;
}

void combine_runs_portable(BitOperation operation, std::span<char const* const> sources, std::span<char> out) {
  switch (operation) {
    case BitOperation::kAnd:
      return combine_words<BitOperation::kAnd>(sources, out, 0);
    case BitOperation::kOr:
      return combine_words<BitOperation::kOr>(sources, out, 0);
    case BitOperation::kXor:
      return combine_words<BitOperation::kXor>(sources, out, 0);
    case BitOperation::kNot:
      return combine_words<BitOperation::kNot>(sources, out, 0);
  }
}

#if defined(__x86_64__)

uint64_t count_ones(std::string_view bytes) { return has_avx2() ? count_ones_avx2(bytes) : count_ones_portable(bytes); }

size_t skip_equal_bytes(std::string_view bytes, uint8_t byte) {
  return has_avx2() ? skip_equal_bytes_avx2(bytes, byte) : skip_equal_bytes_portable(bytes, byte);
}

void combine_runs(BitOperation operation, std::span<char const* const> sources, std::span<char> out) {
  if (!has_avx2()) return combine_runs_portable(operation, sources, out);
  switch (operation) {
    case BitOperation::kAnd:
      return combine_avx2<BitOperation::kAnd>(sources, out);
    case BitOperation::kOr:
      return combine_avx2<BitOperation::kOr>(sources, out);
    case BitOperation::kXor:
      return combine_avx2<BitOperation::kXor>(sources, out);
    case BitOperation::kNot:
      return combine_avx2<BitOperation::kNot>(sources, out);
  }
}

#else

uint64_t count_ones(std::string_view bytes) { return count_ones_portable(bytes); }
size_t skip_equal_bytes(std::string_view bytes, uint8_t byte) { return skip_equal_bytes_portable(bytes, byte); }
void combine_runs(BitOperation operation, std::span<char const* const> sources, std::span<char> out) {
  combine_runs_portable(operation, sources, out);
}

#endif

}  // namespace holdfast
