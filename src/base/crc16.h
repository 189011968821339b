#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

/// CRC-16 "XMODEM": polynomial 0x1021, not reflected, no initial or final xor. What Redis Cluster makes its slots of.
uint16_t crc16(std::string_view bytes);

}  // namespace holdfast
