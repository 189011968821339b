#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast {

/// Text written to a file descriptor in the handler of a signal: no heap, no lock, no locale.
class SignalText {
 public:
  explicit SignalText(int fd) : fd_(fd) {}
  ~SignalText() { flush(); }
  SignalText(SignalText const&) = delete;
  SignalText& operator=(SignalText const&) = delete;

  SignalText& add(std::string_view text) {
    while (!text.empty()) {
      if (used_ == sizeof buffer_) flush();
      size_t const part = text.size() < sizeof buffer_ - used_ ? text.size() : sizeof buffer_ - used_;
      std::memcpy(buffer_ + used_, text.data(), part);
      used_ += part;
      text.remove_prefix(part);
    }
    return *this;
  }

  /// In decimal, with zeros in front up to `digits_min` digits.
  SignalText& number(int64_t value, int digits_min = 1) {
    if (value < 0) add("-");
    return digits(value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value), 10, digits_min);
  }
  /// In hexadecimal, without "0x".
  SignalText& hex(uint64_t value, int digits_min = 1) { return digits(value, 16, digits_min); }
  SignalText& pointer(void const* place) { return add("0x").hex(reinterpret_cast<uintptr_t>(place)); }
  /// In quotes; bytes that are not printable as \x..; at most `bytes_max` of them.
  SignalText& quoted(std::string_view text, size_t bytes_max) {
    add("\"");
    for (char c : text.substr(0, bytes_max)) {
      auto const byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte > 0x7e) {
        add("\\x").hex(byte, 2);
      } else {
        if (c == '"' || c == '\\') add("\\");
        add({&c, 1});
      }
    }
    add("\"");
    if (text.size() > bytes_max) add("... (").number(static_cast<int64_t>(text.size() - bytes_max)).add(" more bytes)");
    return *this;
  }

  void flush() {
    size_t done = 0;
    while (done < used_) {
      ssize_t const written = ::write(fd_, buffer_ + done, used_ - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;  // there is nowhere to report that
      done += static_cast<size_t>(written);
    }
    used_ = 0;
  }

 private:
  SignalText& digits(uint64_t value, unsigned base, int digits_min) {
    char text[24];
    int used = 0;
    do {
      text[sizeof text - static_cast<size_t>(++used)] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (used < digits_min && used < static_cast<int>(sizeof text)) text[sizeof text - static_cast<size_t>(++used)] = '0';
    return add({text + sizeof text - used, static_cast<size_t>(used)});
  }

  int fd_;
  char buffer_[1024];
  size_t used_ = 0;
};

}  // namespace holdfast
