// Any bytes are a HyperLogLog string or are refused; nothing outside them is read. What counts, counts the same dense, and
// the same or more after an element was added; a union of one is that one. The first byte chooses how large a sparse string
// may grow, the second how the input is framed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "structures/hyperloglog.h"

namespace {

using namespace holdfast;

std::string framed(std::string_view input, uint8_t choice) {
  // Half of the inputs get a header that fits, so that the search reaches the registers.
  if (choice & 1) return std::string(input);
  std::string bytes = hll_empty().substr(0, kHllHeaderBytes);
  if (choice & 2) {
    bytes[4] = static_cast<char>(HllEncoding::kDense);
    bytes += input;
    bytes.resize(kHllDenseBytes);
    return bytes;
  }
  bytes += input;
  // The rest of the registers as empty runs.
  size_t covered = 0;
  for (size_t at = kHllHeaderBytes; at < bytes.size(); at++) {
    auto const head = static_cast<uint8_t>(bytes[at]);
    if (head >= 0x80) {
      covered += (head & 3u) + 1;
    } else if (head < 0x40) {
      covered += head + 1u;
    } else if (++at < bytes.size()) {
      covered += ((head & 0x3Fu) << 8 | static_cast<uint8_t>(bytes[at])) + 1u;
    }
  }
  for (; covered < kHllRegisters; covered += std::min<size_t>(64, kHllRegisters - covered)) {
    bytes += static_cast<char>(std::min<size_t>(64, kHllRegisters - covered) - 1);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(uint8_t const* data, size_t size) {
  constexpr size_t kChoices = 2;
  if (size < kChoices) return 0;
  size_t const sparse_bytes_max = data[0] * size_t{20};
  std::string const input = framed({reinterpret_cast<char const*>(data) + kChoices, size - kChoices}, data[1]);
  // A block of the exact size: the address sanitizer sees the first byte read beyond.
  std::vector<char> const block(input.begin(), input.end());
  std::string_view const bytes(block.data(), block.size());

  auto const encoding = hll_encoding(bytes);
  auto const count = hll_count(bytes);
  auto const registers = hll_registers(bytes);
  CHECK(count.has_value() == registers.has_value());
  CHECK(encoding || !count);
  if (!encoding) return 0;
  (void)hll_cached_count(bytes);
  if (*encoding == HllEncoding::kSparse) (void)hll_describe_sparse(bytes);

  std::string const element = "element" + std::to_string(size);
  std::string changed(bytes);
  auto const added = hll_add(changed, element, sparse_bytes_max);
  CHECK(added || changed == bytes);
  std::string dense(bytes);
  auto const made_dense = hll_make_dense(dense);
  CHECK(made_dense.has_value() == count.has_value());
  HllUnion whole;
  CHECK(whole.merge(bytes).has_value() == count.has_value());
  if (!count) return 0;

  CHECK(added && *hll_registers(dense) == *registers && hll_count(dense) == count);
  HllObservation const seen = hll_observe(element);
  HllRegisters expected = *registers;
  CHECK(*added == (expected[seen.index] < seen.value));
  expected[seen.index] = std::max(expected[seen.index], seen.value);
  CHECK(*hll_registers(changed) == expected);
  CHECK(whole.count() == *count);
  std::string merged = hll_empty();
  CHECK(whole.store(merged, sparse_bytes_max) && *hll_registers(merged) == *registers);
  return 0;
}
