#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace holdfast {

/// Strings of this many bytes and more live in a SharedBuffer, shared by keyspace, replies, log and snapshot (L7).
inline constexpr size_t kSharedBytesMin = 32 * 1024;

class SharedBufferRef;

/// A reference-counted byte block. Bytes may be changed only by a holder that is `unique()`.
/// The count is atomic: references may be dropped on any thread.
class SharedBuffer {
 public:
  static SharedBufferRef allocate(size_t capacity);
  static SharedBufferRef copy_of(std::string_view bytes, size_t capacity = 0);

  char* data() { return reinterpret_cast<char*>(this + 1); }
  char const* data() const { return reinterpret_cast<char const*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size_}; }
  /// Precondition: unique() and size <= capacity().
  void set_size(size_t size) { size_ = size; }
  bool unique() const { return refs_.load(std::memory_order_acquire) == 1; }
  /// Bytes this block takes from the allocator.
  size_t footprint() const { return sizeof(SharedBuffer) + capacity_; }

  void add_ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  /// Drops one reference; the last one frees the block.
  void release();

 private:
  explicit SharedBuffer(size_t capacity) : capacity_(capacity) {}
  std::atomic<uint32_t> refs_{1};
  size_t size_ = 0;
  size_t capacity_;
};

/// Owns one reference. Not itself thread-safe; copies may go to other threads.
class SharedBufferRef {
 public:
  SharedBufferRef() = default;
  /// Takes over a reference that the caller owns.
  static SharedBufferRef adopt(SharedBuffer* buffer) {
    SharedBufferRef ref;
    ref.buffer_ = buffer;
    return ref;
  }
  SharedBufferRef(SharedBufferRef const& other) : buffer_(other.buffer_) {
    if (buffer_) buffer_->add_ref();
  }
  SharedBufferRef(SharedBufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  SharedBufferRef& operator=(SharedBufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~SharedBufferRef() {
    if (buffer_) buffer_->release();
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  SharedBuffer* get() const { return buffer_; }
  SharedBuffer* operator->() const { return buffer_; }
  /// Gives the reference to the caller, who must release it.
  SharedBuffer* detach() { return std::exchange(buffer_, nullptr); }

 private:
  SharedBuffer* buffer_ = nullptr;
};

}  // namespace holdfast
