#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast {

// HyperLogLog strings, byte for byte those of Redis, so that GET, SET, DUMP and replication carry them between the two.
//
//   byte 0        4          5..7   8..15                               16...
//        "HYLL"   encoding   0 0 0  cached count, 63 bits little endian  registers
//                                   top bit set: the count is stale
//
// 16384 registers (14 bits of the hash choose one), each the largest "position of the first one bit" seen, 0..51.
// Dense: 6 bits a register, least significant bit first, 12288 bytes. Sparse: runs (hll_sparse.h), used while the
// string is small. A string changes from sparse to dense on growth, never back. The standard error of a count is 0.81
// %.
//
// Everything works on bytes owned by the caller, who also locks them. The bytes may come from anybody (SET, RESTORE):
// each function says what it refuses, and none reads or writes outside of them.

inline constexpr size_t kHllRegisters = 16384;
inline constexpr size_t kHllHeaderBytes = 16;
inline constexpr size_t kHllDenseBytes = kHllHeaderBytes + kHllRegisters * 6 / 8;
/// What hll-sparse-max-bytes is by default: bytes of the whole string.
inline constexpr size_t kHllSparseBytesMaxDefault = 3000;

enum class HllEncoding : uint8_t { kDense = 0, kSparse = 1 };

enum class HllError : uint8_t {
  kNotHll,     ///< no header, unknown encoding or a dense string of the wrong size
  kCorrupted,  ///< the sparse runs do not describe exactly 16384 registers
};
template <class T>
using HllResult = std::expected<T, HllError>;

using HllRegisters = std::array<uint8_t, kHllRegisters>;

/// What one element says: register `index` is at least `value` (1..51).
struct HllObservation {
  uint16_t index;
  uint8_t value;
};

/// MurmurHash64A (Austin Appleby) with the seed that all HyperLogLog strings share.
uint64_t hll_hash(std::string_view element);
HllObservation hll_observe(std::string_view element);

/// A sparse string without elements; its cached count, 0, is valid.
std::string hll_empty();

/// Looks at the header and the size only: kNotHll or the encoding.
HllResult<HllEncoding> hll_encoding(std::string_view bytes);

/// Adds one element; true when a register grew (then the cached count is marked stale). A sparse string is made dense
/// when it would grow over `sparse_bytes_max`, header included.
/// kCorrupted: the runs end before the element's register, or cannot be made dense; nothing has changed.
HllResult<bool> hll_add(std::string& bytes, std::string_view element, size_t sparse_bytes_max);

/// The same for a string that hll_encoding() called dense: in place, cannot fail.
bool hll_add_dense(std::span<char> bytes, std::string_view element);

/// The count in the header, or nothing when it is stale. `bytes` has a whole header, as in the next two.
std::optional<uint64_t> hll_cached_count(std::string_view bytes);
void hll_store_count(std::span<char> bytes, uint64_t count);
void hll_drop_count(std::span<char> bytes);

/// Estimates the number of different elements from the registers; does not look at the cached count.
HllResult<uint64_t> hll_count(std::string_view bytes);

/// True when it was sparse and is dense now. The header, cached count included, stays. On an error nothing has changed.
HllResult<bool> hll_make_dense(std::string& bytes);

/// All registers of either encoding.
HllResult<HllRegisters> hll_registers(std::string_view bytes);

/// Text of a string that hll_encoding() called sparse, for PFDEBUG DECODE: "z:3 Z:70 v:2,1"; runs after damage are left
/// out.
std::string hll_describe_sparse(std::string_view bytes);

/// The union of several HyperLogLogs: PFCOUNT of many keys, PFMERGE. 16 KiB; one owner.
class HllUnion {
 public:
  /// On an error the union has not changed.
  HllResult<void> merge(std::string_view bytes);

  uint64_t count() const;

  /// Merges this union into the string `bytes` (any encoding, may be hll_empty()) and marks its count stale. It becomes
  /// dense if a merged string was, or when it outgrows `sparse_bytes_max`. On an error `bytes` has not changed.
  HllResult<void> store(std::string& bytes, size_t sparse_bytes_max) const;

 private:
  HllRegisters registers_{};
  bool any_dense_ = false;
};

}  // namespace holdfast
