#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "disk/disk.h"

namespace holdfast::snapshot {

/// A place in a history of writes.
struct StreamIdentity {
  std::string id;       ///< 40 hex digits
  uint64_t offset = 0;  ///< bytes of the stream before this place
  int db = 0;           ///< selected there
};

/// A data set on its way to replicas: the RDB of a cut, in a file without a name that is sent while it grows. All replicas that
/// ask before it is complete share it, for none misses a byte: the file is there from its beginning.
///
/// The cut writes, on its threads; any thread may read.
class Payload {
 public:
  enum class State : uint8_t {
    kWaiting,   ///< for its turn
    kGrowing,   ///< the cut is made: `identity` is known
    kComplete,
    kFailed,
  };

  /// `changed` is called from the threads of the cut without locks, after every change; it may only mail.
  explicit Payload(std::function<void()> changed) : changed_(std::move(changed)) {}

  State state() const { return state_.load(std::memory_order_acquire); }
  /// Of the cut; from kGrowing on.
  StreamIdentity const& identity() const { return identity_; }
  /// Bytes that can be read.
  uint64_t bytes() const { return bytes_.load(std::memory_order_acquire); }
  /// Precondition: the bytes are there.
  Status read(uint64_t offset, std::span<char> out);

  /// A small one, in memory, in the place of `open` and `grow`.
  void hold(std::string text);

  // ---- the cut
  /// Opens the file for reading and takes its name away.
  Status open(Disk& disk, std::string const& path);
  /// In the global transaction of the cut.
  void begin(StreamIdentity identity);
  void grow(uint64_t bytes);
  void end(bool complete);

 private:
  std::function<void()> changed_;
  std::unique_ptr<DiskFile> reader_;  // set before kGrowing
  std::string text_;                  // likewise, where there is no file
  StreamIdentity identity_;           // likewise
  std::atomic<State> state_{State::kWaiting};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace holdfast::snapshot
