#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "keyspace/keyspace.h"
#include "rdb/file_reader.h"

namespace holdfast::snapshot {

/// A key of an RDB file on its way into the key space.
struct LoadItem {
  static constexpr int64_t kNoExpiry = std::numeric_limits<int64_t>::min();

  uint64_t hash;
  std::string_view key;
  std::string_view value;  ///< payload as it stands in the file
  int64_t expire_ms;
  uint32_t access;
  int db;
  RdbType type = RdbType::kString;
};

/// The threads that decode and insert what one reader hands out. Each owns the partitions whose number leaves its own
/// number as remainder, so they need no locks. Everything but the threads themselves belongs to the reader.
///
/// Batches are bounded: `kBatchItems` entries, `kBatchesMax` waiting for each thread; then `add` waits.
class Inserters {
 public:
  static constexpr size_t kBatchItems = 4096;
  static constexpr size_t kBatchesMax = 4;

  /// `replace`: a key that is there already is replaced; else it is an error.
  Inserters(Keyspace& keyspace, int threads, bool replace);
  ~Inserters();
  Inserters(Inserters const&) = delete;
  Inserters& operator=(Inserters const&) = delete;

  /// About so many keys of `db` follow.
  void expect(int db, uint64_t keys);
  /// `block` holds what the item points to.
  void add(LoadItem const& item, RdbBlockPtr const& block);
  /// A thread has given up: stop reading.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  /// Waits until everything is inserted, and tells how that went.
  Status finish();

 private:
  struct Batch {
    std::vector<LoadItem> items;
    std::vector<RdbBlockPtr> blocks;
    // Of `expect`, before the items.
    int expected_db = -1;
    uint64_t expected_keys = 0;
  };
  struct Lane {
    uint32_t number = 0;
    Batch filling;  // the reader's
    Mutex mutex;
    std::condition_variable changed;
    std::deque<Batch> waiting GUARDED_BY(mutex);
    std::vector<Batch> empty GUARDED_BY(mutex);
    bool closed GUARDED_BY(mutex) = false;
    std::vector<LoadItem const*> order;  // the thread's: items of a batch by partition
    std::vector<uint32_t> starts;        // the thread's
    std::thread thread;
  };

  void hand_over(Lane& lane);
  void close();
  void run(Lane& lane);
  void reserve(Lane const& lane, Batch const& batch);
  Status insert(Lane& lane, Batch const& batch);
  void sort_by_partition(Lane& lane, Batch const& batch) const;
  Status insert_item(KeyTable& table, LoadItem const& item, std::string& scratch) const;
  Status insert_collection(KeyTable& table, LoadItem const& item, ByteReader& in) const;
  Status put(KeyTable& table, LoadItem const& item, RecordContent const& content) const;
  void fail_with(Error error);

  Keyspace& keyspace_;
  bool replace_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  Status result_ GUARDED_BY(mutex_);
};

}  // namespace holdfast::snapshot
