#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rdb/format.h"

namespace holdfast {

/// Appends the elements of the RDB format to a string of the caller. One thread at a time.
class RdbWriter {
 public:
  /// `out` outlives the writer. `compress`: LZF for strings over 20 bytes where it saves at least 4 (rdbcompression).
  explicit RdbWriter(std::string& out, bool compress = true) : out_(out), compress_(compress) {}

  std::string& out() { return out_; }

  void byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void type(RdbType type) { byte(static_cast<uint8_t>(type)); }
  void opcode(RdbOpcode opcode) { byte(static_cast<uint8_t>(opcode)); }

  /// LEN in its shortest form.
  void length(uint64_t value);

  /// STR: as integer when `text` is a canonical int32, else compressed when that helps, else as it is.
  void string(std::string_view text);

  /// STR of an integer's decimal text.
  void integer(int64_t value);

  /// Little endian.
  void fixed64(uint64_t value);
  void fixed64_signed(int64_t value) { fixed64(static_cast<uint64_t>(value)); }
  /// binary64, little endian.
  void binary64(double value);
  /// Stream ID as 16 raw bytes, big endian. A node key is the STR of these: `stream_node_key`.
  void stream_id(uint64_t ms, uint64_t seq);
  void stream_node_key(uint64_t ms, uint64_t seq);

  // ---- the file around the values ----

  /// "REDIS" and the version.
  void magic(int version = kRdbVersion);
  void aux(std::string_view name, std::string_view value);
  void aux(std::string_view name, int64_t value);
  void function(std::string_view library_source);
  void select_db(uint64_t db);
  /// Hints: keys, and keys with expiry.
  void resize_db(uint64_t keys, uint64_t expiring_keys);
  void expire_ms(int64_t unix_ms);
  void idle(uint64_t seconds);
  void freq(uint8_t counter);

  /// The end of a file. `crc` is the crc64 of everything before this opcode; nothing writes a file without checksum.
  void eof(std::optional<uint64_t> crc);

 private:
  bool compressed(std::string_view text);

  std::string& out_;
  bool compress_;
  /// Room to compress in.
  std::string packed_;
};

}  // namespace holdfast
