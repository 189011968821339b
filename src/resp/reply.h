#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "memory/shared_buffer.h"
#include "resp/output_buffer.h"

namespace holdfast {

namespace reply_detail {

/// "n\r\n" in one 8-byte word, so that a short header is one store. The last byte is the text's length.
struct SmallLine {
  char text[7];
  uint8_t length;
};
static_assert(sizeof(SmallLine) == 8);

inline constexpr size_t kSmallLines = 128;

consteval std::array<SmallLine, kSmallLines> make_small_lines() {
  std::array<SmallLine, kSmallLines> lines{};
  for (size_t number = 0; number < kSmallLines; number++) {
    SmallLine& line = lines[number];
    if (number >= 100) line.text[line.length++] = static_cast<char>('0' + number / 100);
    if (number >= 10) line.text[line.length++] = static_cast<char>('0' + number / 10 % 10);
    line.text[line.length++] = static_cast<char>('0' + number % 10);
    line.text[line.length++] = '\r';
    line.text[line.length++] = '\n';
  }
  return lines;
}

inline constexpr std::array<SmallLine, kSmallLines> kSmallLine = make_small_lines();

}  // namespace reply_detail

class Reply;

/// The rest of a long reply: holds what it needs (frozen values), and writes it in pieces after the locks are released.
class ReplySource {
 public:
  virtual ~ReplySource() = default;
  /// Writes about `elements_max` more elements. False: that was all.
  virtual bool write(Reply& reply, size_t elements_max) = 0;
};

/// Writes replies in RESP2 or RESP3 (the protocol of the connection; types that RESP2 lacks are written as the types it
/// has). The caller keeps the grammar: after `array(n)` it writes n replies. One thread.
class Reply {
 public:
  explicit Reply(OutputBuffer& out, int protocol = 2) : out_(&out), protocol_(protocol) {
    DCHECK(protocol == 2 || protocol == 3);
  }

  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }
  bool resp3() const { return protocol_ == 3; }
  /// While muted (CLIENT REPLY OFF or SKIP) everything is dropped; errors are still counted.
  void set_muted(bool muted) { muted_ = muted; }
  bool muted() const { return muted_; }
  OutputBuffer& buffer() { return *out_; }

  /// "+text". Precondition: no CR or LF inside.
  void status(std::string_view text) {
    if (muted_) return;
    char* at = out_->reserve(text.size() + 3);
    at[0] = '+';
    std::memcpy(at + 1, text.data(), text.size());
    std::memcpy(at + 1 + text.size(), "\r\n", 2);
    out_->commit(text.size() + 3);
  }
  void ok() { literal("+OK\r\n"); }

  /// "-text", with "ERR " in front when the text does not begin with '-'. CR and LF inside become spaces.
  void error(std::string_view text);
  [[gnu::format(printf, 2, 3)]] void errorf(char const* format, ...);

  void integer(int64_t value) {
    if (muted_) return;
    header(':', value);
  }

  void bulk(std::string_view text) {
    if (muted_) return;
    if (text.size() >= reply_detail::kSmallLines) [[unlikely]]
      return bulk_long(text);
    char* start = out_->reserve(text.size() + 11);
    char* at = small_header(start, '$', text.size());
    std::memcpy(at, text.data(), text.size());
    std::memcpy(at + text.size(), "\r\n", 2);
    out_->commit(static_cast<size_t>(at - start) + text.size() + 2);
  }
  /// Long values are referenced, not copied; they must not change until they are sent.
  void bulk(SharedBufferRef const& value);
  /// A bulk with the decimal text.
  void bulk_integer(int64_t value);

  void null() {
    if (resp3()) {
      literal("_\r\n");
    } else {
      literal("$-1\r\n");
    }
  }
  void null_array() {
    if (resp3()) {
      literal("_\r\n");
    } else {
      literal("*-1\r\n");
    }
  }

  /// A pair of a map: its name and a number or text.
  void field(std::string_view name, std::integral auto value) {
    bulk(name);
    integer(static_cast<int64_t>(value));
  }
  void field(std::string_view name, std::string_view value) {
    bulk(name);
    bulk(value);
  }

  void array(size_t count) { aggregate('*', count); }
  void map(size_t pairs) { resp3() ? aggregate('%', pairs) : aggregate('*', pairs * 2); }
  void set(size_t count) { aggregate(resp3() ? '~' : '*', count); }
  /// Out-of-band data; in RESP2, where Pub/Sub messages are arrays, an array.
  void push(size_t count) { aggregate(resp3() ? '>' : '*', count); }
  /// Begins an attribute of `pairs` pairs before a reply. RESP2 has none: returns false, and the caller leaves out the
  /// pairs.
  [[nodiscard]] bool attribute(size_t pairs) {
    if (!resp3()) return false;
    aggregate('|', pairs);
    return true;
  }

  void boolean(bool value) {
    if (resp3()) {
      value ? literal("#t\r\n") : literal("#f\r\n");
    } else {
      value ? literal(":1\r\n") : literal(":0\r\n");
    }
  }
  /// The shortest text that reads back (inf, -inf, nan as words).
  void number(double value);
  void big_number(std::string_view digits);
  /// `format` is "txt" or "mkd"; RESP2 gets the text only.
  void verbatim(std::string_view format, std::string_view text);
  /// Bytes that are already a reply.
  void raw(std::string_view bytes) {
    if (!muted_) out_->append(bytes);
  }

  /// An aggregate whose length is known only at its end: begin, write the elements, end with the mark. They nest.
  size_t begin_deferred() { return muted_ ? 0 : out_->open_hole(); }
  void end_deferred_array(size_t mark, size_t count) { end_deferred('*', mark, count); }
  void end_deferred_map(size_t mark, size_t pairs) {
    resp3() ? end_deferred('%', mark, pairs) : end_deferred('*', mark, pairs * 2);
  }
  void end_deferred_set(size_t mark, size_t count) { end_deferred(resp3() ? '~' : '*', mark, count); }
  void end_deferred_push(size_t mark, size_t count) { end_deferred(resp3() ? '>' : '*', mark, count); }

  /// The handler has begun a long reply; `rest` writes what is left of it. Nothing else may be written by the handler.
  void follow(std::unique_ptr<ReplySource> rest) { rest_ = std::move(rest); }
  bool has_rest() const { return rest_ != nullptr; }
  std::unique_ptr<ReplySource> take_rest() { return std::move(rest_); }
  /// Writes the rest here and now.
  void write_rest();

  /// Error replies since construction or `reset_errors`.
  size_t errors() const { return errors_; }
  /// First word of the last error ("ERR", "WRONGTYPE"), cut at kErrorCodeBytesMax; empty when there was none.
  std::string_view last_error_code() const { return {error_code_, error_code_size_}; }
  void reset_errors() {
    errors_ = 0;
    error_code_size_ = 0;
  }
  static constexpr size_t kErrorCodeBytesMax = 30;

 private:
  template <size_t N>
  void literal(char const (&text)[N]) {
    if (muted_) return;
    std::memcpy(out_->reserve(N - 1), text, N - 1);
    out_->commit(N - 1);
  }
  /// Writes 9 bytes, of which the returned pointer tells how many count. Precondition: number < kSmallLines.
  static char* small_header(char* at, char type, size_t number) {
    reply_detail::SmallLine const& line = reply_detail::kSmallLine[number];
    *at = type;
    std::memcpy(at + 1, &line, sizeof line);
    return at + 1 + line.length;
  }
  void header(char type, int64_t number) {
    if (static_cast<uint64_t>(number) >= reply_detail::kSmallLines) return long_header(type, number);
    char* start = out_->reserve(9);
    out_->commit(static_cast<size_t>(small_header(start, type, static_cast<size_t>(number)) - start));
  }
  void aggregate(char type, size_t count) {
    if (!muted_) header(type, static_cast<int64_t>(count));
  }
  void long_header(char type, int64_t number);
  void bulk_long(std::string_view text);
  void end_deferred(char type, size_t mark, size_t count);

  OutputBuffer* out_;
  int protocol_;
  bool muted_ = false;
  uint8_t error_code_size_ = 0;
  char error_code_[kErrorCodeBytesMax];
  size_t errors_ = 0;
  std::unique_ptr<ReplySource> rest_;
};

}  // namespace holdfast
