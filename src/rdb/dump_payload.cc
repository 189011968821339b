#include "rdb/dump_payload.h"

#include "base/check.h"
#include "base/crc64.h"
#include "rdb/byte_reader.h"

namespace holdfast {

void append_dump_footer(std::string& payload, int version) {
  CHECK(version >= 1 && version <= UINT16_MAX);
  payload.push_back(static_cast<char>(version & 0xFF));
  payload.push_back(static_cast<char>(version >> 8));
  uint64_t const crc = crc64(0, payload);
  for (int shift = 0; shift < 64; shift += 8) payload.push_back(static_cast<char>(crc >> shift));
}

Result<std::string_view> verify_dump_payload(std::string_view payload, bool check_crc, int version_max) {
  static constexpr char kRefusal[] = "DUMP payload version or checksum are wrong";
  if (payload.size() < kDumpFooterBytes) return fail(kRefusal);
  size_t const body_bytes = payload.size() - kDumpFooterBytes;
  ByteReader footer(payload.substr(body_bytes));
  int const version_low = footer.byte();
  int const version = version_low | footer.byte() << 8;
  uint64_t const stored = footer.fixed64();
  if (version > version_max) return fail(kRefusal);
  if (check_crc && stored != crc64(0, payload.substr(0, payload.size() - sizeof stored))) return fail(kRefusal);
  return payload.substr(0, body_bytes);
}

}  // namespace holdfast
