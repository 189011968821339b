#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"

namespace holdfast {

// What keeps the memory of a save small while clients write to a big value that is being saved.
//
//   live handle:   copies a chunk that the frozen one shares, and notes its place in TouchedPlaces    (writer)
//   frozen handle: takes these chunks first, then the others in order; each is let go when written    (reader)
//   CopyBudget:    bytes copied and not let go yet; when they exceed it, the gate holds write commands
//
// A value that waits for its turn only gathers places: who holds writers for it might hold them for as long as the values
// before it take. What it has gathered is served when its turn comes, and writers may keep the copies at that level, so that
// they are never held longer than it takes to write some MiB.

/// Bytes that writers have copied of the value that is being written to a file, and that the frozen handle still holds.
/// Lock-free, any thread, but where it is said.
class CopyBudget {
 public:
  /// Writers go on when so many bytes below the limit are reached, or half of it.
  static constexpr size_t kReliefBytes = 2 * 1024 * 1024;

  /// Called when `exceeded` ends, on the thread of the reader, without locks. Set before use.
  void on_relief(std::function<void()> hook) { relief_ = std::move(hook); }
  /// Bytes. While no value is being written.
  void set_limit(size_t bytes) { limit_ = bytes; }
  /// Writers should do no more for a while. One relaxed load.
  bool exceeded() const { return word_.load(std::memory_order_relaxed) & 1; }
  size_t bytes() const { return word_.load(std::memory_order_relaxed) >> 1; }

  /// The reader of a value begins; `bytes` were copied of it before.
  void begin(size_t bytes) {
    size_t const before = word_.exchange(0, std::memory_order_relaxed);
    CHECK(before == 0);
    present_limit_.store(std::max(limit_, bytes), std::memory_order_relaxed);
    add(bytes);
  }
  void add(size_t bytes) {
    size_t const limit = present_limit_.load(std::memory_order_relaxed);
    size_t word = word_.load(std::memory_order_relaxed);
    size_t next;
    do {
      next = word + 2 * bytes;
      if (next >> 1 > limit) next |= 1;
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed));
  }
  /// The reader.
  void give_back(size_t bytes) {
    size_t const limit = present_limit_.load(std::memory_order_relaxed);
    size_t const enough = limit - std::min(limit / 2, kReliefBytes);
    size_t word = word_.load(std::memory_order_relaxed);
    size_t next;
    do {
      DCHECK(word >> 1 >= bytes);
      next = word - 2 * bytes;
      if (next >> 1 <= enough) next &= ~size_t{1};
    } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed));
    if ((word & 1) && !(next & 1) && relief_) relief_();
  }

 private:
  std::atomic<size_t> word_{0};  // twice the bytes, and 1 when they are too many
  std::atomic<size_t> present_limit_{0};
  size_t limit_ = 4 * 1024 * 1024;
  std::function<void()> relief_;
};

/// The places of one value under save whose chunks were copied, and who is told of them: shared by the frozen handle and the live
/// ones. Counts its references. Guarded by a leaf lock: writers hold the lock of their partition, the reader nothing.
template <class Place>
class TouchedPlaces {
 public:
  explicit TouchedPlaces(CopyBudget& budget) : budget_(&budget) {}

  // ---- writers

  /// False: nobody wants to know any more.
  bool note(Place place, size_t bytes) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!budget_) return false;
    places_.push_back({std::move(place), bytes});
    bytes_ += bytes;
    if (begun_) budget_->add(bytes);
    return true;
  }

  // ---- the reader

  /// From now on what is copied counts.
  void begin() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    begun_ = true;
    budget_->begin(bytes_);
  }
  /// The place noted last. The chunk of the one before is let go, if it was there.
  std::optional<Place> next() EXCLUDES(mutex_) {
    size_t const served = std::exchange(serving_bytes_, 0);
    std::optional<Place> place;
    CopyBudget* budget;
    {
      MutexLock lock(mutex_);
      budget = budget_;
      bytes_ -= served;
      if (!places_.empty()) {
        serving_bytes_ = places_.back().bytes;
        place = std::move(places_.back().place);
        places_.pop_back();
      }
    }
    if (served > 0) budget->give_back(served);
    return place;
  }
  /// The frozen handle is no more.
  void close() EXCLUDES(mutex_) {
    CopyBudget* budget;
    size_t counted;
    {
      MutexLock lock(mutex_);
      budget = std::exchange(budget_, nullptr);
      counted = begun_ ? std::exchange(bytes_, 0) : 0;
      places_ = {};
    }
    if (budget && counted > 0) budget->give_back(counted);
  }

  void add_ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  struct Noted {
    Place place;
    size_t bytes;
  };

  std::atomic<uint32_t> refs_{1};
  Mutex mutex_;
  CopyBudget* budget_ GUARDED_BY(mutex_);  // null: closed
  std::vector<Noted> places_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;  // of the places, and of the one that is served
  bool begun_ GUARDED_BY(mutex_) = false;
  size_t serving_bytes_ = 0;  // the reader's
};

/// A handle's part in it: none, that of a writer, or that of the reader, whose end closes the places. Guarded as the handle is.
template <class Place>
class TouchedRef {
 public:
  TouchedRef() = default;
  TouchedRef(TouchedRef&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  TouchedRef& operator=(TouchedRef&& other) noexcept {
    TouchedRef taken(std::move(other));
    std::swap(word_, taken.word_);
    return *this;
  }
  ~TouchedRef() {
    if (word_ == 0) return;
    if (reads()) places().close();
    places().release();
  }
  static TouchedRef reader(CopyBudget& budget) {
    return TouchedRef(reinterpret_cast<uintptr_t>(new TouchedPlaces<Place>(budget)) | 1);
  }
  /// Another one, of a writer.
  TouchedRef writer() const {
    if (word_ == 0) return {};
    places().add_ref();
    return TouchedRef(word_ & ~uintptr_t{1});
  }

  explicit operator bool() const { return word_ != 0; }
  bool reads() const { return word_ & 1; }
  /// Precondition: a writer.
  void note(Place place, size_t bytes) {
    if (!places().note(std::move(place), bytes)) *this = {};
  }
  /// The reader's.
  TouchedPlaces<Place>& places() const { return *reinterpret_cast<TouchedPlaces<Place>*>(word_ & ~uintptr_t{1}); }

 private:
  explicit TouchedRef(uintptr_t word) : word_(word) {}
  uintptr_t word_ = 0;  // the places' address, and 1 for the reader
};

}  // namespace holdfast
