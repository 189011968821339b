#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

/// CRC-64 "Jones" of RDB files and DUMP payloads: polynomial 0xAD93D23594C935A9, reflected, no initial or final xor.
/// `crc` is 0 at the start, later the previous result. Uses carry-less multiplication where the CPU has it.
uint64_t crc64(uint64_t crc, std::string_view bytes);

/// The portable way of crc64 (eight tables); the same values. Exposed so that a test can hold both against each other.
uint64_t crc64_by_tables(uint64_t crc, std::string_view bytes);

}  // namespace holdfast
