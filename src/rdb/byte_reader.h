#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace holdfast {

/// What ended a decode. Short: the input stops too early, so more of it may help. Corrupt: no continuation can help.
enum class RdbFault : uint8_t { kNone, kShortRead, kCorrupt };

/// Reads the elements of the RDB format from bytes of the caller. The first fault sticks: from then on every read gives
/// 0 or "" and moves nowhere, so a decoder may read on and look once at the end. No length of the input leads to an
/// allocation before it was held against the bytes that are there.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  RdbFault fault() const { return fault_; }
  bool ok() const { return fault_ == RdbFault::kNone; }
  /// Bytes that were missing at a short read, at least; else 0.
  uint64_t missing_bytes() const { return missing_bytes_; }

  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool at_end() const { return at_ == end_; }
  /// What was read since `from`, an earlier offset().
  std::string_view since(size_t from) const { return {begin_ + from, offset() - from}; }

  /// The decoder found contents that cannot be.
  void corrupt() {
    if (ok()) fault_ = RdbFault::kCorrupt;
  }

  uint8_t byte() {
    if (!need(1)) return 0;
    return static_cast<uint8_t>(*at_++);
  }

  /// A view of the next bytes.
  std::string_view raw(uint64_t bytes) {
    if (!need(bytes)) return {};
    std::string_view const view(at_, static_cast<size_t>(bytes));
    at_ += bytes;
    return view;
  }

  void skip(uint64_t bytes) {
    if (need(bytes)) at_ += bytes;
  }

  /// Little endian.
  uint64_t fixed64();
  int64_t fixed64_signed() { return static_cast<int64_t>(fixed64()); }
  int32_t fixed32_signed();
  /// Big endian, as in stream IDs.
  uint64_t big_endian64() { return __builtin_bswap64(fixed64()); }
  double binary64();
  /// The text form of doubles in type 3; nan is given as it is.
  double ascii_double();

  /// LEN; the special string kinds are corruption here.
  uint64_t length() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x40 && ok()) [[likely]] {
      return static_cast<uint8_t>(*at_++);
    }
    return length_slow();
  }

  /// LEN before that many elements of at least `element_bytes_min` (>= 1) bytes each, which must be there.
  uint64_t count(uint64_t element_bytes_min = 1);

  /// STR. A view of the input, or of `scratch` when the text had to be made (integers, LZF).
  std::string_view string(std::string& scratch);

  /// STR; an integer form is given as integer.
  struct StringOrInteger {
    bool is_integer = false;
    int64_t integer = 0;
    std::string_view text = {};
  };
  StringOrInteger string_or_integer(std::string& scratch);

  void skip_string() {
    if (at_ != end_ && ok()) [[likely]] {
      uint64_t const size = static_cast<uint8_t>(*at_);
      if (size < 0x40 && size < remaining()) [[likely]] {
        at_ += 1 + size;
        return;
      }
    }
    skip_string_slow();
  }

 private:
  bool need(uint64_t bytes) {
    if (!ok()) [[unlikely]]
      return false;
    if (bytes > remaining()) [[unlikely]] {
      fault_ = RdbFault::kShortRead;
      missing_bytes_ = bytes - remaining();
      return false;
    }
    return true;
  }

  /// The rest of a LEN whose first byte was read.
  uint64_t length_after(uint8_t first);
  uint64_t length_slow();
  void skip_string_slow();
  /// The integer of C0, C1, C2.
  int64_t string_integer(uint8_t first);
  std::string_view string_lzf(std::string& scratch);

  char const* begin_;
  char const* at_;
  char const* end_;
  uint64_t missing_bytes_ = 0;
  RdbFault fault_ = RdbFault::kNone;
};

}  // namespace holdfast
