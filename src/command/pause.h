#pragma once

#include <atomic>
#include <cstdint>

#include "base/mutex.h"

namespace holdfast {

class Keyspace;

/// CLIENT PAUSE: until when which commands wait. Pauses are kept per purpose; the strictest mode and the latest end count.
/// While there is one the key space stays as it is: nothing expires and nothing is evicted. Any thread; asking costs two relaxed
/// loads.
class Pause {
 public:
  enum class Mode : uint8_t { kNone, kWrite, kAll };
  enum class Purpose : uint8_t { kClient, kShutdown, kFailover };

  explicit Pause(Keyspace& keyspace) : keyspace_(keyspace) {}

  /// A new pause only raises the end and the mode of one of the same purpose that has not ended. Both are Unix ms.
  void start(Purpose purpose, Mode mode, int64_t now_ms, int64_t until_ms);
  void stop(Purpose purpose);
  Mode mode(int64_t now_ms) const;

 private:
  void publish() REQUIRES(mutex_);

  Keyspace& keyspace_;
  static constexpr int kPurposes = 3;
  struct Entry {
    Mode mode = Mode::kNone;
    int64_t until_ms = 0;
  };
  Mutex mutex_;
  Entry entries_[kPurposes] GUARDED_BY(mutex_);
  std::atomic<int64_t> all_until_ms_{0};
  std::atomic<int64_t> write_until_ms_{0};
};

}  // namespace holdfast
