#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast {

/// The biggest values of one table, without looking at the others: an entry is the hash of a key and how many bytes its value took
/// when it was noted. Told of values of kBytesMin and more when they come, and when they grow to the next power of two; asks
/// what they take now when it is full and when somebody wants to know. So what has shrunk or is gone is never shown, and
/// the biggest kKeysMax values of the table are known as long as no more than that are removed between two questions.
///
/// Guarded by the lock of its table.
class BigKeys {
 public:
  static constexpr size_t kKeysMax = 32;
  static constexpr size_t kBytesMin = 32 * 1024;

  struct Entry {
    uint64_t hash = 0;
    size_t bytes = 0;
  };

  /// Whether a change of a value from `before` to `after` bytes is to be noted.
  static bool matters(size_t before, size_t after) {
    return after >= kBytesMin && (before < kBytesMin || std::bit_width(after) > std::bit_width(before));
  }

  /// `bytes_now(hash)`: what the value of that key takes at present; 0: it is gone.
  template <class BytesNow>
  void note(uint64_t hash, size_t bytes, BytesNow&& bytes_now) {
    if (bytes < floor_) return;
    for (size_t i = 0; i < count_; i++) {
      if (entries_[i].hash == hash) {
        entries_[i].bytes = bytes;
        return;
      }
    }
    if (count_ == kKeysMax) refresh(bytes_now);
    if (count_ < kKeysMax) {
      entries_[count_++] = {hash, bytes};
      return;
    }
    auto const least = std::ranges::min_element(entries_, {}, &Entry::bytes);
    if (least->bytes < bytes) *least = {hash, bytes};
    // Smaller ones need not ask again until one of these is gone.
    floor_ = std::ranges::min_element(entries_, {}, &Entry::bytes)->bytes;
  }

  /// A value of so many bytes is gone, or another one is in its place.
  void removed(size_t bytes) {
    if (bytes >= floor_) floor_ = kBytesMin;
  }

  /// Calls `visit(hash, bytes)` for each that is there and big now.
  template <class BytesNow, class Visit>
  void for_each(BytesNow&& bytes_now, Visit&& visit) {
    refresh(bytes_now);
    for (size_t i = 0; i < count_; i++) visit(entries_[i].hash, entries_[i].bytes);
  }

 private:
  template <class BytesNow>
  void refresh(BytesNow&& bytes_now) {
    size_t kept = 0;
    for (size_t i = 0; i < count_; i++) {
      size_t const bytes = bytes_now(entries_[i].hash);
      if (bytes >= kBytesMin) entries_[kept++] = {entries_[i].hash, bytes};
    }
    count_ = kept;
  }

  std::array<Entry, kKeysMax> entries_;
  size_t count_ = 0;
  size_t floor_ = kBytesMin;
};

}  // namespace holdfast
