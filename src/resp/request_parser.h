#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace holdfast {

/// Commands that one batch holds at most: what the engine prefetches together.
inline constexpr size_t kBatchCommandsMax = 16;
/// A request line (inline, `*n` or `$n`) may have this many bytes before its end.
inline constexpr size_t kRequestLineBytesMax = 64 * 1024;
/// Limits while a password is needed and has not been given.
inline constexpr int64_t kUnauthenticatedArgumentsMax = 10;
inline constexpr int64_t kUnauthenticatedBulkBytesMax = 16 * 1024;

/// What a connection may send.
struct RequestLimits {
  /// proto-max-bulk-len in bytes; the link from the primary sets the largest value.
  int64_t bulk_bytes_max = 512LL * 1024 * 1024;
  /// False while authentication is needed and has not happened. A batch then holds one command, because that command
  /// may change the limits of the next.
  bool authenticated = true;
};

/// One parsed command. The arguments point into the input (or, for quoted inline words, into the batch).
struct CommandView {
  std::string_view const* argv;
  uint32_t argc;
  /// Bytes that the command took in the input, without ignored lines before it.
  uint64_t wire_bytes;

  std::string_view operator[](size_t index) const {
    DCHECK(index < argc);
    return argv[index];
  }
};

/// The commands of one parse, reused from parse to parse so that a command costs no allocation. One thread.
class CommandBatch {
 public:
  /// Forgets the commands; gives back room that one huge command took.
  void reset();
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  CommandView operator[](size_t index) const {
    DCHECK(index < size_);
    Entry const& entry = entries_[index];
    return {args_.get() + entry.first, entry.argc, entry.end - entry.begin};
  }
  /// Offset in the input just behind command `index`.
  size_t end_offset(size_t index) const {
    DCHECK(index < size_);
    return entries_[index].end;
  }

 private:
  friend class RequestParser;

  struct Entry {
    size_t first;
    uint32_t argc;
    size_t begin;
    size_t end;
  };

  /// Room for `count` more arguments behind the ones in use. Moves the arguments, not the bytes they point to.
  std::string_view* extend(size_t count) {
    if (capacity_ - used_ < count) [[unlikely]]
      grow(count);
    return args_.get() + used_;
  }
  void grow(size_t count);
  void add(uint32_t argc, size_t begin, size_t end) {
    entries_[size_++] = {used_, argc, begin, end};
    used_ += argc;
  }

  std::array<Entry, kBatchCommandsMax> entries_;
  size_t size_ = 0;
  std::unique_ptr<std::string_view[]> args_;
  size_t used_ = 0;
  size_t capacity_ = 0;
  /// Inline words that had to be unescaped; a list, because the views need stable addresses.
  std::list<std::string> unquoted_;
};

/// Cuts a connection's input into commands: multibulk and inline requests, with Redis's limits and error texts.
///
/// The owner keeps the input contiguous and drops `consumed` bytes from its front after the batch has been executed.
/// The next input must begin with the first byte that was not consumed and hold at least what was there; it may have
/// moved. An unfinished command is remembered as offsets, so each byte is looked at a bounded number of times however
/// the input is cut. One parser a connection; one thread at a time.
class RequestParser {
 public:
  enum class Status : uint8_t {
    /// The input ends inside a command or exactly behind one.
    kMore,
    /// The batch is full; call again with the rest of the input.
    kBatchFull,
    /// The commands in the batch are good, what follows breaks the protocol: run them, send the error, close.
    kError,
  };

  /// Resets `out` and parses as many commands as it can hold. `consumed` is set to the bytes of all complete commands
  /// and of ignored lines. On kError `error_text` is the reply's text ("Protocol error: ...").
  Status parse(std::string_view input, RequestLimits const& limits, CommandBatch& out, size_t& consumed,
               std::string& error_text);

  /// How many bytes behind the last input the unfinished command is known to need: exactly up to the end of its
  /// unfinished argument when its length is known, 1 when it is not, 0 when no command is unfinished.
  size_t bytes_wanted() const { return need_total_ > available_ ? need_total_ - available_ : 0; }

  /// The reason of the last kError, in the words of the log line.
  std::string_view error_reason() const { return error_reason_; }

  /// Forgets an unfinished command: the next input starts anew.
  void reset();

 private:
  struct Piece {
    size_t offset;
    size_t size;
  };
  enum class Step : uint8_t { kDone, kMore, kError };
  struct Scan;

  /// The request at `scan.cursor`; kDone also for an ignored one. Leaves the cursor behind it.
  Step parse_multibulk(Scan& scan);
  Step parse_inline(Scan& scan);
  /// Goes on with the multibulk that the last input ended in.
  Step resume_multibulk(Scan& scan);
  /// Reads one `$n` argument at the cursor.
  Step read_argument(Scan& scan, std::string_view& argument);
  /// The slow way to a number between the marker at the cursor and CR: any length, any error.
  Step read_number(Scan& scan, bool bulk, int64_t& number);
  /// Remembers the unfinished multibulk; its argument `done` begins at the cursor.
  void suspend(Scan& scan, uint32_t argc, std::string_view const* args, uint32_t done);
  Step wait_for(Scan& scan, char const* until);
  /// Adds the request from `scan.start` to the cursor, whose arguments are in place, to the batch.
  void accept(Scan& scan, size_t argc);
  Step refuse(Scan& scan, std::string text, std::string_view reason);

  /// Arguments of the unfinished multibulk, relative to its first byte.
  std::vector<Piece> pieces_;
  /// Its argument count; 0 when its `*` line has not been read.
  uint32_t argc_ = 0;
  /// Where its next argument begins.
  size_t position_ = 0;
  /// No line end before this offset of the unfinished command.
  size_t scanned_ = 0;
  /// The unfinished command needs at least this many bytes from its first one.
  size_t need_total_ = 0;
  /// Bytes of it that the last input held.
  size_t available_ = 0;
  std::string_view error_reason_;
};

}  // namespace holdfast
