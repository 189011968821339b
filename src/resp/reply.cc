#include "resp/reply.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "base/number.h"

namespace holdfast {

namespace {

/// Type, 20 digits or sign and 19, CR LF.
constexpr size_t kHeaderBytesMax = 1 + kInt64TextBytesMax + 2;

size_t write_header(char* at, char type, int64_t number) {
  at[0] = type;
  size_t size = 1 + format_int64(at + 1, number);
  at[size++] = '\r';
  at[size++] = '\n';
  return size;
}

}  // namespace

void Reply::long_header(char type, int64_t number) {
  out_->commit(write_header(out_->reserve(kHeaderBytesMax), type, number));
}

void Reply::bulk_long(std::string_view text) {
  long_header('$', static_cast<int64_t>(text.size()));
  out_->append(text);
  out_->append("\r\n");
}

void Reply::bulk(SharedBufferRef const& value) {
  if (muted_) return;
  header('$', static_cast<int64_t>(value->size()));
  out_->append_shared(value);
  out_->append("\r\n");
}

void Reply::bulk_integer(int64_t value) {
  char text[kInt64TextBytesMax];
  bulk({text, format_int64(text, value)});
}

void Reply::error(std::string_view text) {
  bool coded = text.starts_with('-');
  std::string_view code = coded ? text.substr(1, text.find(' ') - 1) : "ERR";
  errors_++;
  error_code_size_ = static_cast<uint8_t>(std::min(code.size(), kErrorCodeBytesMax));
  std::memcpy(error_code_, code.data(), error_code_size_);
  if (muted_) return;

  if (!coded) out_->append("-ERR ");
  while (!text.empty()) {
    std::string_view clean = text.substr(0, text.find_first_of("\r\n"));
    out_->append(clean);
    text.remove_prefix(clean.size());
    if (text.empty()) break;
    out_->append(" ");
    text.remove_prefix(1);
  }
  out_->append("\r\n");
}

void Reply::errorf(char const* format, ...) {
  char text[512];
  va_list arguments;
  va_list again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int size = std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  CHECK(size >= 0);
  if (static_cast<size_t>(size) < sizeof text) {
    error({text, static_cast<size_t>(size)});
  } else {
    std::string long_text(static_cast<size_t>(size), '\0');
    std::vsnprintf(long_text.data(), long_text.size() + 1, format, again);
    error(long_text);
  }
  va_end(again);
}

void Reply::number(double value) {
  char text[1 + kDoubleTextBytesMax + 2];
  size_t size = format_double(text + 1, value);
  if (!resp3()) return bulk({text + 1, size});
  text[0] = ',';
  std::memcpy(text + 1 + size, "\r\n", 2);
  raw({text, size + 3});
}

void Reply::big_number(std::string_view digits) {
  if (!resp3()) return bulk(digits);
  raw("(");
  raw(digits);
  raw("\r\n");
}

void Reply::verbatim(std::string_view format, std::string_view text) {
  DCHECK(format.size() == 3);
  if (!resp3()) return bulk(text);
  aggregate('=', text.size() + 4);
  raw(format);
  raw(":");
  raw(text);
  raw("\r\n");
}

void Reply::write_rest() {
  constexpr size_t kElements = 65536;
  while (std::unique_ptr<ReplySource> rest = take_rest()) {
    while (rest->write(*this, kElements)) continue;
  }
}

void Reply::end_deferred(char type, size_t mark, size_t count) {
  if (muted_) return;
  char text[kHeaderBytesMax];
  size_t size = write_header(text, type, static_cast<int64_t>(count));
  out_->close_hole(mark, {text, size});
}

}  // namespace holdfast
