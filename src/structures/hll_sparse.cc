#include "structures/hll_sparse.h"

#include "base/check.h"

namespace holdfast {
namespace {

constexpr uint8_t kXZeroBit = 0x40;
constexpr uint8_t kValBit = 0x80;
/// How many runs are looked at for joining after a change; part of the format, since the bytes depend on it.
constexpr int kJoinScanRuns = 5;

/// At most two cut pieces of XZERO and the new VAL.
struct OpcodeBuffer {
  char bytes[5];
  size_t size = 0;

  void put(unsigned byte) { bytes[size++] = static_cast<char>(byte); }
  void put_val(unsigned value, uint32_t length) { put(kValBit | ((value - 1) << 2) | (length - 1)); }
  void put_run(unsigned value, uint32_t length) {
    if (length == 0) return;
    if (value != 0) {
      put_val(value, length);
    } else if (length <= kHllZeroRunMax) {
      put(length - 1);
    } else {
      put(kXZeroBit | ((length - 1) >> 8));
      put((length - 1) & 0xFF);
    }
  }
};

}  // namespace

std::optional<HllRun> read_hll_run(std::string_view bytes, size_t at) {
  if (at >= bytes.size()) return std::nullopt;
  auto const opcode = static_cast<uint8_t>(bytes[at]);
  if (opcode & kValBit) {
    return HllRun{(opcode & 3u) + 1, static_cast<uint8_t>(((opcode >> 2) & 0x1F) + 1), 1};
  }
  if ((opcode & kXZeroBit) == 0) return HllRun{opcode + 1u, 0, 1};
  if (at + 1 >= bytes.size()) return std::nullopt;
  uint32_t const low = static_cast<uint8_t>(bytes[at + 1]);
  return HllRun{((opcode & 0x3Fu) << 8) + low + 1, 0, 2};
}

HllSparseChange HllSparseUpdater::raise(HllObservation seen, size_t bytes_max) {
  if (seen.value > kHllSparseValueMax) return HllSparseChange::kMustGrow;
  DCHECK(seen.index >= resume_.index);

  Place before_previous = resume_;
  Place previous = resume_;
  Place here = resume_;
  auto run = read_hll_run(bytes_, here.at);
  while (run && seen.index >= here.index + run->length) {
    before_previous = previous;
    previous = here;
    here = Place{here.at + run->bytes, here.index + run->length};
    run = read_hll_run(bytes_, here.at);
  }
  if (!run) return HllSparseChange::kCorrupted;
  if (run->value >= seen.value) return HllSparseChange::kNone;

  OpcodeBuffer parts;
  parts.put_run(run->value, seen.index - here.index);
  parts.put_val(seen.value, 1);
  parts.put_run(run->value, here.index + run->length - 1 - seen.index);
  // The limit looks at the string before runs are joined, as in Redis; a change that adds no byte is always made.
  if (parts.size > run->bytes && bytes_.size() - run->bytes + parts.size > bytes_max) return HllSparseChange::kMustGrow;

  bytes_.replace(here.at, run->bytes, parts.bytes, parts.size);
  join_equal_runs(previous.at);
  // Joining can put the changed register into the run at `previous`, so the next change may be there and then needs the
  // run before it. Never into an earlier one: values only grow, and that run's neighbour starts with another value.
  resume_ = before_previous;
  return HllSparseChange::kDone;
}

/// Joins neighbouring VAL runs of one value among the few from `at` on, while the sum fits one opcode.
void HllSparseUpdater::join_equal_runs(size_t at) {
  for (int scanned = 0; scanned < kJoinScanRuns; ++scanned) {
    auto const run = read_hll_run(bytes_, at);
    if (!run) return;
    if (run->value != 0) {
      auto const next = read_hll_run(bytes_, at + run->bytes);
      if (next && next->value == run->value && run->length + next->length <= kHllValRunMax) {
        OpcodeBuffer joined;
        joined.put_val(run->value, run->length + next->length);
        bytes_.replace(at, 2, joined.bytes, joined.size);
        continue;  // the joined run may take the next one too
      }
    }
    at += run->bytes;
  }
}

}  // namespace holdfast
