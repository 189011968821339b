#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/disk.h"

namespace holdfast::log {

/// First bytes of a file, base or increment, that starts with an RDB part.
inline constexpr std::string_view kRdbMagic = "REDIS";
/// An annotation line, its LF included, is not longer.
inline constexpr size_t kAnnotationBytesMax = 1024;

/// Stands in front of a command that a file begins with so that it can be read alone, in the middle of another server's stream.
inline constexpr std::string_view kFileOnlyAnnotation = "#FILE-ONLY\r\n";

/// One step of a file.
struct AofItem {
  enum class Kind : uint8_t { kCommand, kAnnotation, kEnd };
  Kind kind = Kind::kEnd;
  /// The command, at least one word. Valid until the next call.
  std::span<std::string_view const> argv;
  /// Unix seconds of a `#TS:` annotation, 0 for any other.
  int64_t timestamp_s = 0;
  /// An annotation that says: the next command is in this file only, and not in the stream.
  bool file_only = false;
  /// File positions [begin, end).
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Why a file cannot be read on.
struct AofError {
  enum class Kind : uint8_t {
    kTruncated,  ///< the file ends inside a command or inside an open MULTI
    kFormat,     ///< bytes that no writer of AOF files produces
    kIo,         ///< the system refused to read
  };
  Kind kind = Kind::kFormat;
  /// The file is sound up to here: the end of the last complete command outside of an open MULTI (or of the RDB part).
  uint64_t valid_up_to = 0;
  /// Where the trouble is.
  uint64_t offset = 0;
  /// Up to where the item that could not be read was understood; at least `offset` unless the system refused to read.
  uint64_t reached = 0;
  /// A transaction was begun and never completed.
  bool open_transaction = false;
  int errnum = 0;
};

/// Reads the commands of one AOF file in order, in large blocks. The grammar is exact (spec: RESP arrays of bulk
/// strings and annotation lines between them); Redis itself does not verify the CR LF after a string, we do, as
/// redis-check-aof does. Not thread-safe.
class AofFileReader {
 public:
  static Result<AofFileReader> open(Disk& disk, std::string const& path);

  AofFileReader(AofFileReader&&) noexcept;
  AofFileReader& operator=(AofFileReader&&) noexcept;
  ~AofFileReader();

  /// The file starts with an RDB part. Load that first, then call start_at with the position of the byte after it.
  bool starts_with_rdb() const { return starts_with_rdb_; }
  /// Continues at `position`, a command boundary; everything before it counts as valid. An error before is forgotten.
  void start_at(uint64_t position);

  /// The next command or annotation, kEnd at a clean end. After an error every call gives that error again.
  std::expected<AofItem, AofError> next();

  uint64_t file_size() const { return file_size_; }
  /// Between MULTI and its EXEC.
  bool in_transaction() const { return in_transaction_; }
  /// As AofError::valid_up_to.
  uint64_t valid_up_to() const { return valid_up_to_; }
  /// File position of the next byte; for progress reports.
  uint64_t position() const { return buffer_begin_ + parse_; }

 private:
  enum class Step : uint8_t { kDone, kMore, kBad };

  explicit AofFileReader(std::unique_ptr<DiskFile> file, uint64_t file_size);

  Step parse_annotation(AofItem& item);
  Step parse_command(AofItem& item);
  Step parse_header(char mark, uint64_t& number);
  void track_transaction();
  /// Makes at least one more byte available. False at the end of the file or on an error (then failed_ is set).
  bool fill();
  uint64_t bytes_left(size_t from) const { return file_size_ - buffer_begin_ - from; }
  std::unexpected<AofError> fail_with(AofError::Kind kind, uint64_t offset, int errnum = 0);

  std::unique_ptr<DiskFile> file_;
  uint64_t file_size_;
  bool starts_with_rdb_ = false;

  // buffer_[0, filled_) holds the file from buffer_begin_ on; the current item starts at parse_.
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t filled_ = 0;
  uint64_t buffer_begin_ = 0;
  size_t parse_ = 0;

  // Of the item being parsed: the place reached, and how many bytes from parse_ on are known to be needed.
  size_t cursor_ = 0;
  size_t wanted_ = 0;
  std::vector<std::string_view> argv_;

  uint64_t valid_up_to_ = 0;
  bool in_transaction_ = false;
  bool failed_ = false;
  AofError error_;
};

}  // namespace holdfast::log
