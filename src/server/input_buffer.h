#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace holdfast {

/// Bytes that a connection has received and not executed yet, in one piece. Empty: holds no memory. One thread.
class InputBuffer {
 public:
  InputBuffer() = default;
  ~InputBuffer() { std::free(data_); }
  InputBuffer(InputBuffer const&) = delete;
  InputBuffer& operator=(InputBuffer const&) = delete;

  std::string_view view() const { return {data_ + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

  /// Room for `bytes` more at the end. The bytes may move.
  char* prepare(size_t bytes) {
    if (capacity_ - end_ < bytes) make_room(bytes);
    return data_ + end_;
  }
  void commit(size_t bytes) { end_ += bytes; }
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  /// Drops bytes at the front; memory is given back when none are left.
  void consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) release();
  }
  void release() {
    std::free(data_);
    data_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void make_room(size_t bytes) {
    size_t used = size();
    if (begin_ > 0 && capacity_ - used >= bytes && begin_ >= used) {
      std::memcpy(data_, data_ + begin_, used);
    } else {
      size_t wanted = used + bytes;
      if (wanted < capacity_ * 2 && capacity_ < kDoubleBytesMax) wanted = capacity_ * 2;
      auto* grown = static_cast<char*>(std::malloc(wanted));
      if (!grown) throw std::bad_alloc();
      if (used) std::memcpy(grown, data_ + begin_, used);
      std::free(data_);
      data_ = grown;
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = used;
  }

  static constexpr size_t kDoubleBytesMax = 1024 * 1024;  // beyond, exactly what is asked for

  char* data_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace holdfast
