#include "resp/request_parser.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "base/args.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast {

namespace {

/// The shortest argument on the wire: "$0\r\n" and two bytes.
constexpr size_t kArgumentWireBytesMin = 6;
/// Room for arguments that a batch keeps when it is reset.
constexpr size_t kBatchArgumentsKept = 1024;
/// Room for pieces that a parser keeps between commands.
constexpr size_t kPiecesKept = 16;

/// Reads up to four digits and CR LF. Returns the place behind them, or nullptr when it takes a closer look: leading
/// zero, sign, more digits, no CR, or fewer than 6 bytes. The byte behind the CR is not looked at, as in Redis.
inline char const* read_short_number(char const* at, char const* end, uint32_t& number) {
  if (end - at < 6) [[unlikely]]
    return nullptr;
  uint32_t value = static_cast<uint8_t>(at[0]) - uint32_t{'0'};
  if (value > 9) [[unlikely]]
    return nullptr;
  if (at[1] == '\r') {
    number = value;
    return at + 3;
  }
  if (value == 0) [[unlikely]]
    return nullptr;
  for (int i = 1; i < 4; i++) {
    uint32_t digit = static_cast<uint8_t>(at[i]) - uint32_t{'0'};
    if (digit > 9) [[unlikely]]
      return nullptr;
    value = value * 10 + digit;
    if (at[i + 1] == '\r') {
      number = value;
      return at + i + 3;
    }
  }
  return nullptr;
}

/// Cuts a line without quotes in words; blanks as in split_args. Returns how many there are.
uint32_t cut_words(std::string_view line, std::string_view* words) {
  uint32_t count = 0;
  size_t at = 0;
  for (;;) {
    while (at < line.size() && ascii_isspace(line[at])) at++;
    if (at == line.size()) return count;
    size_t end = std::min(line.find_first_of(" \t\r\n", at), line.size());
    words[count++] = line.substr(at, end - at);
    at = end;
  }
}

}  // namespace

/// One run of `parse`.
struct RequestParser::Scan {
  char const* begin;
  char const* end;
  RequestLimits const& limits;
  CommandBatch& batch;
  std::string& error_text;
  /// First byte of the request that is being read.
  char const* start;
  char const* cursor;

  size_t left() const { return static_cast<size_t>(end - cursor); }
};

void CommandBatch::reset() {
  size_ = 0;
  used_ = 0;
  if (!unquoted_.empty()) unquoted_.clear();
  if (capacity_ > kBatchArgumentsKept) {
    args_.reset();
    capacity_ = 0;
  }
}

void CommandBatch::grow(size_t count) {
  size_t capacity = std::max({used_ + count, capacity_ * 2, size_t{64}});
  auto args = std::make_unique_for_overwrite<std::string_view[]>(capacity);
  std::copy_n(args_.get(), used_, args.get());
  args_ = std::move(args);
  capacity_ = capacity;
}

void RequestParser::reset() {
  pieces_.clear();
  if (pieces_.capacity() > kPiecesKept) std::vector<Piece>().swap(pieces_);
  argc_ = 0;
  position_ = scanned_ = need_total_ = available_ = 0;
}

RequestParser::Status RequestParser::parse(std::string_view input, RequestLimits const& limits, CommandBatch& out,
                                           size_t& consumed, std::string& error_text) {
  out.reset();
  consumed = 0;
  DCHECK(input.size() >= available_);
  if (input.size() < need_total_) {
    available_ = input.size();
    return Status::kMore;
  }

  Scan scan{input.data(), input.data() + input.size(), limits, out, error_text, input.data(), input.data()};
  size_t const batch_max = limits.authenticated ? kBatchCommandsMax : 1;
  while (scan.cursor != scan.end) {
    if (out.size_ == batch_max) return Status::kBatchFull;
    scan.start = scan.cursor;
    Step step = argc_ != 0 ? resume_multibulk(scan) : *scan.cursor == '*' ? parse_multibulk(scan) : parse_inline(scan);
    if (step == Step::kDone) [[likely]] {
      if (need_total_ != 0) [[unlikely]]
        reset();
      consumed = static_cast<size_t>(scan.cursor - scan.begin);
      continue;
    }
    if (step == Step::kError) {
      reset();
      return Status::kError;
    }
    available_ = static_cast<size_t>(scan.end - scan.start);
    return Status::kMore;
  }
  return Status::kMore;
}

inline void RequestParser::accept(Scan& scan, size_t argc) {
  scan.batch.add(static_cast<uint32_t>(argc), static_cast<size_t>(scan.start - scan.begin),
                 static_cast<size_t>(scan.cursor - scan.begin));
}

inline RequestParser::Step RequestParser::read_argument(Scan& scan, std::string_view& argument) {
  char const* header = scan.cursor;
  uint64_t size;
  uint32_t short_size;
  char const* payload = nullptr;
  if (header != scan.end && *header == '$') [[likely]]
    payload = read_short_number(header + 1, scan.end, short_size);
  if (payload && short_size <= scan.limits.bulk_bytes_max) [[likely]] {
    size = short_size;
  } else {
    int64_t number;
    if (Step step = read_number(scan, true, number); step != Step::kDone) return step;
    if (number < 0 || number > scan.limits.bulk_bytes_max) {
      return refuse(scan, "Protocol error: invalid bulk length", "invalid bulk length");
    }
    if (number > kUnauthenticatedBulkBytesMax && !scan.limits.authenticated) {
      return refuse(scan, "Protocol error: unauthenticated bulk length", "unauth bulk length");
    }
    size = static_cast<uint64_t>(number);
    payload = scan.cursor;
    scan.cursor = header;
  }
  // The two bytes behind the payload are skipped unseen.
  if (static_cast<uint64_t>(scan.end - payload) < size + 2) [[unlikely]] {
    need_total_ = static_cast<size_t>(payload - scan.start) + size + 2;
    return Step::kMore;
  }
  argument = {payload, size};
  scan.cursor = payload + size + 2;
  return Step::kDone;
}

RequestParser::Step RequestParser::parse_multibulk(Scan& scan) {
  uint32_t argc;
  char const* behind = read_short_number(scan.cursor + 1, scan.end, argc);
  if (behind) [[likely]] {
    scan.cursor = behind;
  } else {
    int64_t number;
    if (Step step = read_number(scan, false, number); step != Step::kDone) return step;
    if (number > INT_MAX) return refuse(scan, "Protocol error: invalid multibulk length", "invalid mbulk count");
    argc = number < 0 ? 0 : static_cast<uint32_t>(number);
  }
  if (argc == 0) return Step::kDone;
  if (argc > kUnauthenticatedArgumentsMax && !scan.limits.authenticated) {
    return refuse(scan, "Protocol error: unauthenticated multibulk length", "unauth mbulk count");
  }

  // The count is only a claim: take no more room than the bytes at hand can fill.
  size_t room = argc;
  if (argc > 64) room = std::min(room, scan.left() / kArgumentWireBytesMin + 1);
  std::string_view* args = scan.batch.extend(room);
  for (uint32_t i = 0; i < argc; i++) {
    std::string_view argument;
    Step step = read_argument(scan, argument);
    if (step != Step::kDone) [[unlikely]] {
      if (step == Step::kMore) suspend(scan, argc, args, i);
      return step;
    }
    args[i] = argument;
  }
  accept(scan, argc);
  return Step::kDone;
}

RequestParser::Step RequestParser::resume_multibulk(Scan& scan) {
  scan.cursor = scan.start + position_;
  while (pieces_.size() < argc_) {
    std::string_view argument;
    Step step = read_argument(scan, argument);
    if (step != Step::kDone) {
      position_ = static_cast<size_t>(scan.cursor - scan.start);
      return step;
    }
    pieces_.push_back({static_cast<size_t>(argument.data() - scan.start), argument.size()});
  }
  std::string_view* args = scan.batch.extend(argc_);
  for (uint32_t i = 0; i < argc_; i++) args[i] = {scan.start + pieces_[i].offset, pieces_[i].size};
  accept(scan, argc_);
  return Step::kDone;
}

RequestParser::Step RequestParser::read_number(Scan& scan, bool bulk, int64_t& number) {
  char const* line = scan.cursor;
  size_t left = scan.left();
  char const* from = std::max(line, scan.start + scanned_);
  char const* limit = line + std::min(left, kRequestLineBytesMax + 1);
  auto* cr =
      from < limit ? static_cast<char const*>(std::memchr(from, '\r', static_cast<size_t>(limit - from))) : nullptr;
  if (!cr) {
    if (left > kRequestLineBytesMax) {
      return bulk ? refuse(scan, "Protocol error: too big bulk count string", "too big bulk count string")
                  : refuse(scan, "Protocol error: too big mbulk count string", "too big mbulk count string");
    }
    return wait_for(scan, scan.end);
  }
  if (scan.end - cr < 2) return wait_for(scan, cr);

  if (bulk && *line != '$') {
    char shown = *line == '\r' || *line == '\n' ? ' ' : *line;
    return refuse(scan, std::string("Protocol error: expected '$', got '") + shown + "'",
                  "expected $ but got something else");
  }
  auto parsed = parse_int64({line + 1, static_cast<size_t>(cr - line - 1)});
  if (!parsed) {
    return bulk ? refuse(scan, "Protocol error: invalid bulk length", "invalid bulk length")
                : refuse(scan, "Protocol error: invalid multibulk length", "invalid mbulk count");
  }
  number = *parsed;
  scan.cursor = cr + 2;
  return Step::kDone;
}

void RequestParser::suspend(Scan& scan, uint32_t argc, std::string_view const* args, uint32_t done) {
  argc_ = argc;
  position_ = static_cast<size_t>(scan.cursor - scan.start);
  for (uint32_t i = 0; i < done; i++) {
    pieces_.push_back({static_cast<size_t>(args[i].data() - scan.start), args[i].size()});
  }
}

RequestParser::Step RequestParser::parse_inline(Scan& scan) {
  char const* line = scan.cursor;
  size_t left = scan.left();
  char const* from = line + scanned_;
  char const* limit = line + std::min(left, kRequestLineBytesMax + 1);
  auto* newline =
      from < limit ? static_cast<char const*>(std::memchr(from, '\n', static_cast<size_t>(limit - from))) : nullptr;
  if (!newline) {
    if (left > kRequestLineBytesMax) {
      return refuse(scan, "Protocol error: too big inline request", "too big inline request");
    }
    return wait_for(scan, scan.end);
  }
  std::string_view text(line, static_cast<size_t>(newline - line));
  if (text.ends_with('\r')) text.remove_suffix(1);
  scan.cursor = newline + 1;

  CommandBatch& batch = scan.batch;
  // Without quotes and NUL the words are views into the line.
  if (text.find_first_of(std::string_view("\"'\0", 3)) == std::string_view::npos) {
    uint32_t argc = cut_words(text, batch.extend(text.size() / 2 + 1));
    if (argc > 0) accept(scan, argc);
    return Step::kDone;
  }
  auto words = split_args(text);
  if (!words) {
    return refuse(scan, "Protocol error: unbalanced quotes in request", "unbalanced quotes in inline request");
  }
  if (words->empty()) return Step::kDone;
  std::string_view* args = batch.extend(words->size());
  for (std::string& word : *words) *args++ = batch.unquoted_.emplace_back(std::move(word));
  accept(scan, words->size());
  return Step::kDone;
}

RequestParser::Step RequestParser::wait_for(Scan& scan, char const* until) {
  scanned_ = static_cast<size_t>(until - scan.start);
  need_total_ = static_cast<size_t>(scan.end - scan.start) + 1;
  return Step::kMore;
}

RequestParser::Step RequestParser::refuse(Scan& scan, std::string text, std::string_view reason) {
  scan.error_text = std::move(text);
  error_reason_ = reason;
  return Step::kError;
}

}  // namespace holdfast
