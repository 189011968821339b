#include "keyspace/keyspace.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "memory/block_heap.h"

namespace holdfast {
namespace {

constexpr uint32_t kAccessMask = 0xFFFFFF;
constexpr uint32_t kLfuInitial = 5;
/// Integers below it are one object each in Redis.
constexpr int64_t kSharedIntegers = 10000;

uint64_t cheap_random() {
  // Only decides whether an LFU counter grows; per thread, seeded from the kernel.
  thread_local Random random(system_random_u64());
  return random.next();
}

/// Trims when it is destroyed: thousands of system calls, in the background.
class Trim final : public Garbage {
 public:
  explicit Trim(TableMemory& memory) : memory_(memory) {}
  ~Trim() override {
    memory_.pages.trim();
    memory_.segments.trim();
    trim_heap_of_this_thread();
  }

 private:
  TableMemory& memory_;
};

}  // namespace

Keyspace::Keyspace(Options const& options, LazyFree& lazy_free)
    : hasher_(options.hash_seed ? KeyHasher(*options.hash_seed) : KeyHasher()),
      lazy_free_(lazy_free),
      partition_mask_(options.partitions - 1),
      databases_(options.databases),
      concurrent_(options.concurrent),
      partitions_(std::make_unique<Partition[]>(options.partitions)) {
  CHECK(std::has_single_bit(options.partitions) && options.partitions <= 16384);
  for (uint32_t i = 0; i < options.partitions; i++) {
    partitions_[i].tables.resize(static_cast<size_t>(databases_));
    partitions_[i].counters = std::make_unique<Partition::DatabaseCounters[]>(static_cast<size_t>(databases_));
  }
}

Keyspace::~Keyspace() {
  // Detached tables give their pages back to our pool.
  while (lazy_free_.pending() != 0) std::this_thread::yield();
}

uint64_t Keyspace::sum(int db, Counter Partition::DatabaseCounters::*counter) const {
  uint64_t total = 0;
  for (uint32_t i = 0; i <= partition_mask_; i++) total += (partitions_[i].counters[static_cast<size_t>(db)].*counter).get();
  return total;
}

uint64_t Keyspace::sum(Counter Partition::*counter) const {
  uint64_t total = 0;
  for (uint32_t i = 0; i <= partition_mask_; i++) total += (partitions_[i].*counter).get();
  return total;
}

KeyTable& Keyspace::table(Partition& partition, int db) {
  auto& table = partition.tables[static_cast<size_t>(db)];
  if (!table) table = std::make_unique<KeyTable>(memory_, hasher_, cut_, lazy_free_);
  return *table;
}

uint64_t Keyspace::used_bytes() const {
  uint64_t total = 0;
  for (int db = 0; db < databases_; db++) total += memory_bytes(db);
  return total;
}

template <class Prefetch>
void Keyspace::prefetch(int db, uint64_t hash, Prefetch&& prefetch) {
  Partition& partition = partitions_[partition_index(hash)];
  if (concurrent_ && !partition.lock.try_lock()) return;
  if (KeyTable* table = partition.tables[static_cast<size_t>(db)].get()) prefetch(*table);
  if (concurrent_) partition.lock.unlock();
}

void Keyspace::prefetch_bucket(int db, uint64_t hash) {
  prefetch(db, hash, [hash](KeyTable const& table) { table.table().prefetch_bucket(hash); });
}

void Keyspace::prefetch_record(int db, uint64_t hash) {
  prefetch(db, hash, [hash](KeyTable const& table) { table.table().prefetch_entry(hash); });
}

void Keyspace::prefetch_elements(int db, uint64_t hash, std::string_view key,
                                 std::span<std::string_view const> elements) {
  prefetch(db, hash, [&](KeyTable const& table) {
    KeyTable::Slot const slot = table.find(hash, key);
    if (slot && slot.entry()->encoding() == Encoding::kBody) slot.entry()->body()->prefetch(elements);
  });
}

void Keyspace::publish_counters(Partition& partition, int db, bool report) {
  KeyTable const* table = partition.tables[static_cast<size_t>(db)].get();
  Partition::DatabaseCounters& counters = partition.counters[static_cast<size_t>(db)];
  counters.keys.set(table ? table->size() : 0);
  counters.expiring_keys.set(table ? table->expiring() : 0);
  counters.expiring_bodies.set(table ? table->expiring_bodies() : 0);
  uint64_t const bytes = table ? table->memory_bytes() : 0;
  if (uint32_t const epoch = memory_epoch_.load(std::memory_order_relaxed); epoch != partition.memory_epoch) [[unlikely]] {
    partition.memory_epoch = epoch;
    partition.unreported_bytes = 0;
  }
  partition.unreported_bytes += static_cast<int64_t>(bytes - counters.memory_bytes.get());
  counters.memory_bytes.set(bytes);
  if (report || std::abs(partition.unreported_bytes) >= memory_report_step.load(std::memory_order_relaxed)) [[unlikely]] {
    memory_changes_.fetch_add(std::exchange(partition.unreported_bytes, 0), std::memory_order_relaxed);
  }
  counters.expiry_sum_ms.set(table ? table->expiry_sum_ms_low() : 0);
}

void Keyspace::trim_memory() { lazy_free_.push(std::make_unique<Trim>(memory_)); }

void Keyspace::survey(Partition& partition) {
  uint64_t sparse = 0;
  uint64_t heap = 0;
  for (auto const& table : partition.tables) {
    if (!table) continue;
    sparse += table->sparse_bytes();
    heap += table->heap_bytes();
  }
  partition.sparse_bytes.set(sparse);
  partition.heap_bytes.set(heap);
}

int64_t Keyspace::shown_refcount(Record const& record) const {
  bool shared = integers_shared.load(std::memory_order_relaxed) && record.encoding() == Encoding::kInt &&
                record.integer() >= 0 && record.integer() < kSharedIntegers;
  return shared ? std::numeric_limits<int32_t>::max() : 1;
}

uint32_t Keyspace::initial_access() const {
  uint32_t clock = access_.clock.load(std::memory_order_relaxed);
  if (!access_.lfu.load(std::memory_order_relaxed)) return clock & kAccessMask;
  return ((clock / 60 & 0xFFFF) << 8 | kLfuInitial) & kAccessMask;
}

uint8_t Keyspace::decayed_frequency(uint32_t access) const {
  uint32_t minutes = access_.clock.load(std::memory_order_relaxed) / 60 & 0xFFFF;
  uint32_t then = access >> 8;
  uint32_t elapsed = minutes >= then ? minutes - then : 65535 - then + minutes;
  uint32_t decay = access_.lfu_decay_minutes.load(std::memory_order_relaxed);
  uint32_t periods = decay ? elapsed / decay : 0;
  uint32_t counter = access & 0xFF;
  return static_cast<uint8_t>(periods > counter ? 0 : counter - periods);
}

uint32_t Keyspace::touched_access(uint32_t access) const {
  uint32_t clock = access_.clock.load(std::memory_order_relaxed);
  if (!access_.lfu.load(std::memory_order_relaxed)) return clock & kAccessMask;
  uint32_t counter = decayed_frequency(access);
  if (counter < 255) {
    uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
    uint64_t one_in = uint64_t{base} * access_.lfu_log_factor.load(std::memory_order_relaxed) + 1;
    if (cheap_random() % one_in == 0) counter++;
  }
  return ((clock / 60 & 0xFFFF) << 8 | counter) & kAccessMask;
}

uint32_t Keyspace::access_of_idle(uint64_t seconds) const {
  uint32_t clock = access_.clock.load(std::memory_order_relaxed) & kAccessMask;
  auto idle = static_cast<uint32_t>(std::min<uint64_t>(seconds, kAccessMask));
  return (idle <= clock ? clock - idle : clock + (kAccessMask - idle)) & kAccessMask;
}

uint32_t Keyspace::access_of_frequency(uint8_t counter) const {
  uint32_t minutes = access_.clock.load(std::memory_order_relaxed) / 60 & 0xFFFF;
  return minutes << 8 | counter;
}

uint32_t Keyspace::idle_seconds(uint32_t access) const {
  uint32_t clock = access_.clock.load(std::memory_order_relaxed) & kAccessMask;
  return clock >= access ? clock - access : clock + (kAccessMask - access);
}

void Keyspace::forget_local_expiry() {
  for (uint32_t i = 0; i < partition_count(); i++) partition(i).local_expiry.reset();
  expires_locally.store(false, std::memory_order_relaxed);
}

}  // namespace holdfast
