#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace holdfast {

/// A value that handles share until one of them changes it: copying a handle is a reference, `own` copies the value when
/// it is shared. For small parts of values that freeze in O(1).
///
/// Not itself thread-safe; handles of one value may be used and destroyed on different threads.
template <class T>
class CopyOnWrite {
 public:
  CopyOnWrite() : holder_(new Holder()) {}
  explicit CopyOnWrite(T value) : holder_(new Holder(std::move(value))) {}
  CopyOnWrite(CopyOnWrite const& other) : holder_(other.holder_) { holder_->refs.fetch_add(1, std::memory_order_relaxed); }
  CopyOnWrite(CopyOnWrite&& other) noexcept : holder_(std::exchange(other.holder_, nullptr)) {}
  CopyOnWrite& operator=(CopyOnWrite other) noexcept {
    std::swap(holder_, other.holder_);
    return *this;
  }
  ~CopyOnWrite() {
    if (holder_ && (holder_->refs.load(std::memory_order_acquire) == 1 ||
                    holder_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
      delete holder_;
    }
  }

  T const& operator*() const { return holder_->value; }
  T const* operator->() const { return &holder_->value; }

  /// No other handle has this value.
  bool unique() const { return holder_->refs.load(std::memory_order_acquire) == 1; }

  /// To be changed: this handle's alone. References from before may be of the others' value.
  T& own() {
    if (holder_->refs.load(std::memory_order_acquire) != 1) *this = CopyOnWrite(T(holder_->value));
    return holder_->value;
  }

  /// What a value takes beyond the value itself.
  static constexpr size_t kOverheadBytes = sizeof(uint64_t);

 private:
  struct Holder {
    Holder() = default;
    explicit Holder(T initial) : value(std::move(initial)) {}
    std::atomic<uint32_t> refs{1};
    T value{};
  };
  Holder* holder_;
};

}  // namespace holdfast
