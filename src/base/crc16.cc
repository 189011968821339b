#include "base/crc16.h"

#include <array>

namespace holdfast {
namespace {

constexpr std::array<uint16_t, 256> make_table() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; byte++) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021 : 0);
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint16_t, 256> kTable = make_table();

}  // namespace

uint16_t crc16(std::string_view bytes) {
  uint16_t crc = 0;
  for (char const c : bytes) crc = static_cast<uint16_t>((crc << 8) ^ kTable[(crc >> 8) ^ static_cast<uint8_t>(c)]);
  return crc;
}

}  // namespace holdfast
