#include "structures/bit_ops.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "structures/bit_kernels.h"

namespace holdfast {
namespace {

constexpr uint64_t kWordBytes = 8;

uint8_t byte_at(std::string_view bytes, uint64_t index) { return static_cast<uint8_t>(bytes[index]); }

/// Bits of a byte from `bit` (0 = most significant) to the end.
uint8_t mask_from(unsigned bit) { return static_cast<uint8_t>(0xFF >> bit); }
/// Bits of a byte up to and with `bit`.
uint8_t mask_to(unsigned bit) { return static_cast<uint8_t>(0xFF00 >> (bit + 1)); }

std::optional<uint64_t> first_one_in_byte(uint8_t byte, uint64_t byte_index) {
  if (byte == 0) return std::nullopt;
  return byte_index * 8 + static_cast<uint64_t>(std::countl_zero(byte));
}

/// First bit that differs from those of `flip` (0 or 0xFF) in whole bytes begin..end.
std::optional<uint64_t> first_one_in_bytes(std::string_view bytes, uint64_t begin, uint64_t end, uint8_t flip) {
  uint64_t const pattern = flip * uint64_t{0x0101010101010101};
  uint64_t at = begin + skip_equal_bytes(bytes.substr(begin, end - begin), flip);
  for (; at + kWordBytes <= end; at += kWordBytes) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if (word != pattern) break;
  }
  for (; at < end; ++at) {
    if (auto const found = first_one_in_byte(byte_at(bytes, at) ^ flip, at)) return found;
  }
  return std::nullopt;
}

}  // namespace

bool get_bit(std::string_view bytes, uint64_t offset) {
  if (offset / 8 >= bytes.size()) return false;
  return (byte_at(bytes, offset / 8) >> (7 - offset % 8)) & 1;
}

bool set_bit(std::span<char> bytes, uint64_t offset, bool value) {
  DCHECK(offset / 8 < bytes.size());
  char& byte = bytes[offset / 8];
  auto const mask = static_cast<uint8_t>(0x80 >> (offset % 8));
  auto const old = static_cast<uint8_t>(byte);
  byte = static_cast<char>(value ? old | mask : old & ~mask);
  return (old & mask) != 0;
}

uint64_t count_bits(std::string_view bytes) { return count_ones(bytes); }

uint64_t count_bits(std::string_view bytes, uint64_t first, uint64_t last) {
  if (last < first) return 0;
  DCHECK(last / 8 < bytes.size());
  uint64_t const first_byte = first / 8;
  uint64_t const last_byte = last / 8;
  uint64_t count = count_ones(bytes.substr(first_byte, last_byte - first_byte + 1));
  // What the whole bytes had outside of the range.
  count -= std::popcount(static_cast<uint8_t>(byte_at(bytes, first_byte) & ~mask_from(first % 8)));
  count -= std::popcount(static_cast<uint8_t>(byte_at(bytes, last_byte) & ~mask_to(last % 8)));
  return count;
}

std::optional<uint64_t> find_bit(std::string_view bytes, bool value, uint64_t first, uint64_t last) {
  if (last < first) return std::nullopt;
  DCHECK(last / 8 < bytes.size());
  uint64_t const first_byte = first / 8;
  uint64_t const last_byte = last / 8;
  uint8_t const flip = value ? 0 : 0xFF;  // turns the search for a 0 into one for a 1
  uint8_t const head = (byte_at(bytes, first_byte) ^ flip) & mask_from(first % 8);
  if (first_byte == last_byte) return first_one_in_byte(head & mask_to(last % 8), first_byte);
  if (auto const found = first_one_in_byte(head, first_byte)) return found;
  if (auto const found = first_one_in_bytes(bytes, first_byte + 1, last_byte, flip)) return found;
  return first_one_in_byte((byte_at(bytes, last_byte) ^ flip) & mask_to(last % 8), last_byte);
}

void combine_bits(BitOperation operation, std::span<std::string_view const> sources, std::span<char> out) {
  DCHECK(!sources.empty() && (operation != BitOperation::kNot || sources.size() == 1));
  std::vector<std::string_view> longest_first(sources.begin(), sources.end());
  std::ranges::sort(longest_first, std::ranges::greater{}, &std::string_view::size);
  DCHECK(longest_first.front().size() == out.size());

  // Between the ends of two sources the same ones take part: those that are longer. Missing ones are zeros, which
  // change nothing in OR and XOR and clear all in AND.
  std::vector<char const*> starts(longest_first.size());
  size_t begin = 0;
  for (size_t live = longest_first.size(); live > 0 && begin < out.size(); --live) {
    size_t const end = longest_first[live - 1].size();
    if (end == begin) continue;
    if (operation == BitOperation::kAnd && live < longest_first.size()) {
      std::memset(out.data() + begin, 0, out.size() - begin);
      return;
    }
    for (size_t i = 0; i < live; ++i) starts[i] = longest_first[i].data() + begin;
    combine_runs(operation, std::span(starts).first(live), out.subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace holdfast
