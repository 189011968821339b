#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace holdfast::replication {

/// Takes the framing off the data set that a primary sends, without I/O: lines that keep alive, then `$<bytes>` and as many
/// bytes, or `$EOF:<mark>` and bytes up to the mark. Behind a mark nothing follows until we have answered.
class PayloadFrame {
 public:
  /// Takes a piece of what was received, and appends to `out` what it has of the data set. Returns the bytes that were taken:
  /// all, but for what follows the end of a counted payload. Fails when the primary gives up or breaks the protocol.
  Result<size_t> take(std::string_view input, std::string& out);

  bool complete() const { return complete_; }
  /// The header was read.
  bool begun() const { return begun_; }
  bool marked() const { return !mark_.empty(); }
  /// Bytes of the data set; nothing when they are not known beforehand.
  std::optional<uint64_t> total() const { return total_; }

 private:
  Status read_header(std::string_view line);
  void take_marked(std::string_view input, std::string& out);

  std::string line_;
  std::string mark_;
  std::string tail_;  ///< the last bytes, which may be the mark
  std::optional<uint64_t> total_;
  uint64_t left_ = 0;
  bool begun_ = false;
  bool complete_ = false;
};

}  // namespace holdfast::replication
