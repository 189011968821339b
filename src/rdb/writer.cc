#include "rdb/writer.h"

#include <liblzf/lzf.h>

#include <bit>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/crc64.h"
#include "base/number.h"

namespace holdfast {
namespace {

static_assert(std::endian::native == std::endian::little);


// Longest text that is tried as an integer: "-2147483648".
constexpr size_t kIntegerTextBytesMax = 11;
constexpr size_t kCompressBytesMin = 21;
constexpr size_t kCompressSavedBytesMin = 4;

template <class Int>
void append_raw(std::string& out, Int value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

// C0, C1 or C2; false when the value needs more than 32 bits.
bool append_small_integer(std::string& out, int64_t value) {
  if (value >= INT8_MIN && value <= INT8_MAX) {
    out.push_back(static_cast<char>(kRdbString8));
    append_raw(out, static_cast<int8_t>(value));
  } else if (value >= INT16_MIN && value <= INT16_MAX) {
    out.push_back(static_cast<char>(kRdbString16));
    append_raw(out, static_cast<int16_t>(value));
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    out.push_back(static_cast<char>(kRdbString32));
    append_raw(out, static_cast<int32_t>(value));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void RdbWriter::length(uint64_t value) {
  if (value < (1 << 6)) {
    byte(static_cast<uint8_t>(value));
  } else if (value < (1 << 14)) {
    byte(static_cast<uint8_t>(0x40 | (value >> 8)));
    byte(static_cast<uint8_t>(value));
  } else if (value <= UINT32_MAX) {
    byte(0x80);
    append_raw(out_, __builtin_bswap32(static_cast<uint32_t>(value)));
  } else {
    byte(0x81);
    append_raw(out_, __builtin_bswap64(value));
  }
}

void RdbWriter::string(std::string_view text) {
  if (text.size() <= kIntegerTextBytesMax) {
    auto const value = parse_int64(text);
    if (value && append_small_integer(out_, *value)) return;
  }
  if (compress_ && text.size() >= kCompressBytesMin && compressed(text)) return;
  length(text.size());
  out_.append(text);
}

bool RdbWriter::compressed(std::string_view text) {
  // The library counts in unsigned int.
  if (text.size() > UINT32_MAX) return false;
  size_t const limit = text.size() - kCompressSavedBytesMin;
  unsigned packed_bytes = 0;
  // The size that libstdc++ 12 passes to the function may be larger than what was asked for.
  packed_.resize_and_overwrite(limit, [&](char* at, size_t) {
    packed_bytes = lzf_compress(text.data(), static_cast<unsigned>(text.size()), at, static_cast<unsigned>(limit));
    return packed_bytes;
  });
  if (packed_bytes == 0) return false;
  byte(kRdbStringLzf);
  length(packed_bytes);
  length(text.size());
  out_.append(packed_);
  return true;
}

void RdbWriter::integer(int64_t value) {
  if (append_small_integer(out_, value)) return;
  char text[kInt64TextBytesMax];
  size_t const bytes = format_int64(text, value);
  length(bytes);
  out_.append(text, bytes);
}

void RdbWriter::fixed64(uint64_t value) { append_raw(out_, value); }

void RdbWriter::binary64(double value) { append_raw(out_, value); }

void RdbWriter::stream_id(uint64_t ms, uint64_t seq) {
  append_raw(out_, __builtin_bswap64(ms));
  append_raw(out_, __builtin_bswap64(seq));
}

void RdbWriter::stream_node_key(uint64_t ms, uint64_t seq) {
  length(16);
  stream_id(ms, seq);
}

void RdbWriter::magic(int version) {
  CHECK(version >= 1 && version <= 9999);
  char text[16];
  std::snprintf(text, sizeof text, "REDIS%04d", version);
  out_.append(text);
}

void RdbWriter::aux(std::string_view name, std::string_view value) {
  opcode(RdbOpcode::kAux);
  string(name);
  string(value);
}

void RdbWriter::aux(std::string_view name, int64_t value) {
  opcode(RdbOpcode::kAux);
  string(name);
  integer(value);
}

void RdbWriter::function(std::string_view library_source) {
  opcode(RdbOpcode::kFunction2);
  string(library_source);
}

void RdbWriter::select_db(uint64_t db) {
  opcode(RdbOpcode::kSelectDb);
  length(db);
}

void RdbWriter::resize_db(uint64_t keys, uint64_t expiring_keys) {
  opcode(RdbOpcode::kResizeDb);
  length(keys);
  length(expiring_keys);
}

void RdbWriter::expire_ms(int64_t unix_ms) {
  opcode(RdbOpcode::kExpireTimeMs);
  fixed64_signed(unix_ms);
}

void RdbWriter::idle(uint64_t seconds) {
  opcode(RdbOpcode::kIdle);
  length(seconds);
}

void RdbWriter::freq(uint8_t counter) {
  opcode(RdbOpcode::kFreq);
  byte(counter);
}

void RdbWriter::eof(std::optional<uint64_t> crc) {
  opcode(RdbOpcode::kEof);
  fixed64(crc ? crc64(*crc, "\xFF") : 0);
}

}  // namespace holdfast
