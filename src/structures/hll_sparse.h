#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "structures/hyperloglog.h"

namespace holdfast {

// The sparse body of a HyperLogLog: runs of equal registers from register 0 to 16383.
//
//   ZERO   00xxxxxx            x + 1 registers of 0              (1..64)
//   XZERO  01xxxxxx yyyyyyyy   x * 256 + y + 1 registers of 0    (1..16384)
//   VAL    1vvvvvxx            x + 1 registers of v + 1          (1..4 registers, values 1..32)

/// One run. `length` is its registers, `value` what they hold, `bytes` the size of its opcode.
struct HllRun {
  uint32_t length;
  uint8_t value;
  uint8_t bytes;
};

inline constexpr uint8_t kHllSparseValueMax = 32;
inline constexpr uint32_t kHllValRunMax = 4;
inline constexpr uint32_t kHllZeroRunMax = 64;

/// The run at `at`, or nothing at the end and at an opcode cut in two.
std::optional<HllRun> read_hll_run(std::string_view bytes, size_t at);

/// Calls visit(first register, run) for each run. False when the runs do not end at register 16384 and at the end of
/// `bytes` (what was visited until then lay within the registers).
template <class Visit>
bool visit_hll_runs(std::string_view bytes, Visit&& visit) {
  size_t at = kHllHeaderBytes;
  uint32_t index = 0;
  while (auto const run = read_hll_run(bytes, at)) {
    if (run->length > kHllRegisters - index) return false;
    visit(index, *run);
    index += run->length;
    at += run->bytes;
  }
  return index == kHllRegisters && at == bytes.size();
}

enum class HllSparseChange : uint8_t {
  kNone,       ///< the register holds as much already
  kDone,       ///< the register has the new value
  kMustGrow,   ///< not representable, or too large: to be made dense first
  kCorrupted,  ///< the runs end before the register
};

/// Raises registers of one sparse string. The indexes given to one updater ascend: it goes on where it was, so that a
/// merge is one walk over the string.
class HllSparseUpdater {
 public:
  explicit HllSparseUpdater(std::string& bytes) : bytes_(bytes) {}

  /// Sets the register if it is smaller. On kMustGrow and kCorrupted nothing has changed.
  HllSparseChange raise(HllObservation seen, size_t bytes_max);

 private:
  struct Place {
    size_t at = kHllHeaderBytes;
    uint32_t index = 0;  ///< of the run's first register
  };

  void join_equal_runs(size_t at);

  std::string& bytes_;
  Place resume_;  ///< a run before all that later changes touch, or the start
};

}  // namespace holdfast
