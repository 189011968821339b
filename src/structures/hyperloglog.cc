#include "structures/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "structures/hll_estimate.h"
#include "structures/hll_sparse.h"

namespace holdfast {
namespace {

constexpr std::string_view kMagic = "HYLL";
constexpr size_t kEncodingAt = 4;
constexpr size_t kCountAt = 8;
constexpr unsigned char kStaleBit = 0x80;  // in the last byte of the header
constexpr unsigned kIndexBits = 14;
constexpr unsigned kRegisterBits = 6;
constexpr unsigned kRegisterMask = 63;
constexpr uint64_t kHashSeed = 0xADC83B19;

static_assert(std::endian::native == std::endian::little, "the format is little endian");

uint64_t load_u64(char const* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// 8 registers from the 6 bytes in the low 48 bits, one byte each: halves are moved apart, three times.
uint64_t unpack_eight(uint64_t packed) {
  uint64_t x = (packed & 0x0000000000FFFFFF) | ((packed & 0x0000FFFFFF000000) << 8);
  x = (x & 0x00000FFF00000FFF) | ((x & 0x00FFF00000FFF000) << 4);
  return (x & 0x003F003F003F003F) | ((x & 0x0FC00FC00FC00FC0) << 2);
}

uint64_t pack_eight(uint64_t x) {
  x = (x & 0x003F003F003F003F) | ((x & 0x3F003F003F003F00) >> 2);
  x = (x & 0x00000FFF00000FFF) | ((x & 0x0FFF00000FFF0000) >> 4);
  return (x & 0x0000000000FFFFFF) | ((x & 0x00FFFFFF00000000) >> 8);
}

/// Calls visit(first register, its eight values as bytes) for all of a dense string.
template <class Visit>
void visit_dense(std::string_view bytes, Visit&& visit) {
  char const* from = bytes.data() + kHllHeaderBytes;
  for (size_t index = 0; index < kHllRegisters; index += 8, from += 6) {
    // The last six bytes are loaded from two bytes before them: nothing may be read after the string.
    bool const last = index + 8 == kHllRegisters;
    uint64_t const packed = last ? load_u64(from - 2) >> 16 : load_u64(from);
    visit(index, unpack_eight(packed));
  }
}

void write_dense(char* to, HllRegisters const& registers) {
  for (size_t index = 0; index < kHllRegisters; index += 8, to += 6) {
    uint64_t eight;
    std::memcpy(&eight, registers.data() + index, sizeof eight);
    uint64_t const packed = pack_eight(eight);
    std::memcpy(to, &packed, 6);
  }
}

/// True when the register was smaller.
bool raise_dense(char* registers, HllObservation seen) {
  size_t const bit = size_t{seen.index} * kRegisterBits;
  auto* const low = reinterpret_cast<unsigned char*>(registers) + bit / 8;
  unsigned const shift = bit % 8;
  bool const two_bytes = shift > 8 - kRegisterBits;
  unsigned const word = low[0] | (two_bytes ? unsigned{low[1]} << 8 : 0u);
  if (((word >> shift) & kRegisterMask) >= seen.value) return false;
  unsigned const changed = (word & ~(kRegisterMask << shift)) | (unsigned{seen.value} << shift);
  low[0] = static_cast<unsigned char>(changed);
  if (two_bytes) low[1] = static_cast<unsigned char>(changed >> 8);
  return true;
}

std::string dense_string(std::string_view header, HllRegisters const& registers) {
  std::string dense(kHllDenseBytes, '\0');
  header.copy(dense.data(), kHllHeaderBytes);
  dense[kEncodingAt] = static_cast<char>(HllEncoding::kDense);
  write_dense(dense.data() + kHllHeaderBytes, registers);
  return dense;
}

HllHistogram histogram_of(HllRegisters const& registers) {
  HllHistogram histogram{};
  for (uint8_t value : registers) ++histogram[value];
  return histogram;
}

/// Raises `registers` to those of a string whose header is sound.
HllResult<void> merge_registers(HllRegisters& registers, std::string_view bytes, HllEncoding encoding) {
  if (encoding == HllEncoding::kDense) {
    visit_dense(bytes, [&](size_t index, uint64_t eight) {
      uint8_t values[8];
      std::memcpy(values, &eight, sizeof values);
      for (size_t i = 0; i < 8; ++i) registers[index + i] = std::max(registers[index + i], values[i]);
    });
    return {};
  }
  if (!visit_hll_runs(bytes, [](uint32_t, HllRun) {})) return std::unexpected(HllError::kCorrupted);
  visit_hll_runs(bytes, [&](uint32_t index, HllRun run) {
    if (run.value == 0) return;
    for (uint32_t i = index; i < index + run.length; ++i) registers[i] = std::max(registers[i], run.value);
  });
  return {};
}

}  // namespace

uint64_t hll_hash(std::string_view element) {
  constexpr uint64_t kMultiplier = 0xC6A4A7935BD1E995;
  constexpr unsigned kShift = 47;
  uint64_t hash = kHashSeed ^ (element.size() * kMultiplier);
  while (element.size() >= 8) {
    uint64_t block;
    std::memcpy(&block, element.data(), sizeof block);
    block *= kMultiplier;
    block ^= block >> kShift;
    hash = (hash ^ (block * kMultiplier)) * kMultiplier;
    element.remove_prefix(8);
  }
  if (!element.empty()) {
    uint64_t tail = 0;
    std::memcpy(&tail, element.data(), element.size());
    hash = (hash ^ tail) * kMultiplier;
  }
  hash = (hash ^ (hash >> kShift)) * kMultiplier;
  return hash ^ (hash >> kShift);
}

HllObservation hll_observe(std::string_view element) {
  uint64_t const hash = hll_hash(element);
  // The guard bit above the 50 that are left bounds the count of zeros.
  uint64_t const rest = (hash >> kIndexBits) | (uint64_t{1} << (64 - kIndexBits));
  return {static_cast<uint16_t>(hash & (kHllRegisters - 1)), static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

std::string hll_empty() {
  std::string bytes(kMagic);
  bytes.resize(kHllHeaderBytes);
  bytes[kEncodingAt] = static_cast<char>(HllEncoding::kSparse);
  bytes += "\x7F\xFF";  // one XZERO run of all registers
  return bytes;
}

HllResult<HllEncoding> hll_encoding(std::string_view bytes) {
  if (bytes.size() < kHllHeaderBytes || !bytes.starts_with(kMagic)) return std::unexpected(HllError::kNotHll);
  auto const encoding = static_cast<HllEncoding>(bytes[kEncodingAt]);
  bool const known = encoding == HllEncoding::kSparse || encoding == HllEncoding::kDense;
  if (!known || (encoding == HllEncoding::kDense && bytes.size() != kHllDenseBytes)) {
    return std::unexpected(HllError::kNotHll);
  }
  return encoding;
}

HllResult<bool> hll_add(std::string& bytes, std::string_view element, size_t sparse_bytes_max) {
  auto const encoding = hll_encoding(bytes);
  if (!encoding) return std::unexpected(encoding.error());
  if (*encoding == HllEncoding::kDense) return hll_add_dense(bytes, element);

  HllObservation const seen = hll_observe(element);
  switch (HllSparseUpdater(bytes).raise(seen, sparse_bytes_max)) {
    case HllSparseChange::kNone:
      return false;
    case HllSparseChange::kDone:
      hll_drop_count(bytes);
      return true;
    case HllSparseChange::kCorrupted:
      return std::unexpected(HllError::kCorrupted);
    case HllSparseChange::kMustGrow:
      break;
  }
  if (auto const made = hll_make_dense(bytes); !made) return made;
  return hll_add_dense(bytes, element);
}

bool hll_add_dense(std::span<char> bytes, std::string_view element) {
  DCHECK(bytes.size() == kHllDenseBytes);
  if (!raise_dense(bytes.data() + kHllHeaderBytes, hll_observe(element))) return false;
  hll_drop_count(bytes);
  return true;
}

std::optional<uint64_t> hll_cached_count(std::string_view bytes) {
  DCHECK(bytes.size() >= kHllHeaderBytes);
  uint64_t const count = load_u64(bytes.data() + kCountAt);
  if (count >> 63) return std::nullopt;
  return count;
}

void hll_store_count(std::span<char> bytes, uint64_t count) {
  DCHECK(bytes.size() >= kHllHeaderBytes);
  std::memcpy(bytes.data() + kCountAt, &count, sizeof count);
}

void hll_drop_count(std::span<char> bytes) {
  DCHECK(bytes.size() >= kHllHeaderBytes);
  char& last = bytes[kHllHeaderBytes - 1];
  last = static_cast<char>(static_cast<unsigned char>(last) | kStaleBit);
}

HllResult<uint64_t> hll_count(std::string_view bytes) {
  auto const encoding = hll_encoding(bytes);
  if (!encoding) return std::unexpected(encoding.error());
  HllHistogram histogram{};
  if (*encoding == HllEncoding::kSparse) {
    auto const add_run = [&](uint32_t, HllRun run) { histogram[run.value] += run.length; };
    if (!visit_hll_runs(bytes, add_run)) return std::unexpected(HllError::kCorrupted);
  } else {
    // Four tables, so that equal neighbours do not wait for each other's increment.
    std::array<HllHistogram, 4> tables{};
    visit_dense(bytes, [&](size_t, uint64_t eight) {
      for (unsigned i = 0; i < 8; ++i) ++tables[i % 4][(eight >> (8 * i)) & 0xFF];
    });
    for (auto const& table : tables) {
      for (size_t value = 0; value < histogram.size(); ++value) histogram[value] += table[value];
    }
  }
  return estimate_cardinality(histogram);
}

HllResult<bool> hll_make_dense(std::string& bytes) {
  auto const encoding = hll_encoding(bytes);
  if (!encoding) return std::unexpected(encoding.error());
  if (*encoding == HllEncoding::kDense) return false;
  HllRegisters registers{};
  if (auto const read = merge_registers(registers, bytes, *encoding); !read) return std::unexpected(read.error());
  bytes = dense_string(bytes, registers);
  return true;
}

HllResult<HllRegisters> hll_registers(std::string_view bytes) {
  auto const encoding = hll_encoding(bytes);
  if (!encoding) return std::unexpected(encoding.error());
  HllRegisters registers{};
  if (auto const read = merge_registers(registers, bytes, *encoding); !read) return std::unexpected(read.error());
  return registers;
}

std::string hll_describe_sparse(std::string_view bytes) {
  std::string text;
  size_t at = kHllHeaderBytes;
  while (auto const run = read_hll_run(bytes, at)) {
    if (!text.empty()) text += ' ';
    if (run->value != 0) {
      text += "v:" + to_text(run->value) + ',' + to_text(run->length);
    } else {
      text += (run->bytes == 1 ? "z:" : "Z:") + to_text(run->length);
    }
    at += run->bytes;
  }
  return text;
}

HllResult<void> HllUnion::merge(std::string_view bytes) {
  auto const encoding = hll_encoding(bytes);
  if (!encoding) return std::unexpected(encoding.error());
  if (auto const merged = merge_registers(registers_, bytes, *encoding); !merged) return merged;
  any_dense_ |= *encoding == HllEncoding::kDense;
  return {};
}

uint64_t HllUnion::count() const { return estimate_cardinality(histogram_of(registers_)); }

HllResult<void> HllUnion::store(std::string& bytes, size_t sparse_bytes_max) const {
  HllUnion all = *this;
  if (auto const merged = all.merge(bytes); !merged) return merged;

  bool dense = all.any_dense_;
  if (!dense) {
    std::string sparse = bytes;
    HllSparseUpdater updater(sparse);
    for (size_t index = 0; index < kHllRegisters && !dense; ++index) {
      if (all.registers_[index] == 0) continue;
      auto const change = updater.raise({static_cast<uint16_t>(index), all.registers_[index]}, sparse_bytes_max);
      dense = change == HllSparseChange::kMustGrow;
      CHECK(change != HllSparseChange::kCorrupted);  // merge() has walked all the runs
    }
    if (!dense) bytes = std::move(sparse);
  }
  if (dense) bytes = dense_string(bytes, all.registers_);
  hll_drop_count(bytes);
  return {};
}

}  // namespace holdfast
