#include "log/durability.h"

#include <algorithm>

namespace holdfast::log {

bool Durability::move_to(uint64_t offset) {
  if (offset <= durable_.load(std::memory_order_relaxed)) return false;
  durable_.store(offset, std::memory_order_release);
  return true;
}

void Durability::tell() {
  uint64_t const offset = durable_offset();
  for (Listener const& listener : listeners_) listener(offset);
}

void Durability::synced(uint64_t generation, uint64_t offset) {
  {
    MutexLock lock(mutex_);
    bool const broken = broken_errnum_ != 0;
    if (broken && generation <= broken_generation_) return;
    synced_ = std::max(synced_, offset);
    if (broken || !move_to(synced_)) return;
  }
  tell();
}

void Durability::sync_failed(uint64_t generation, int errnum) {
  MutexLock lock(mutex_);
  broken_generation_ = std::max(broken_generation_, generation);
  broken_errnum_ = errnum;
  // Synced bytes of this generation that are not published yet lie behind another broken one.
  synced_ = durable_.load(std::memory_order_relaxed);
}

void Durability::base_committed(uint64_t first_generation, uint64_t cut_offset) {
  {
    MutexLock lock(mutex_);
    if (broken_errnum_ != 0 && broken_generation_ < first_generation) broken_errnum_ = 0;
    if (!move_to(broken_errnum_ != 0 ? cut_offset : std::max(cut_offset, synced_))) return;
  }
  tell();
}

void Durability::switched_off(uint64_t offset) {
  {
    MutexLock lock(mutex_);
    broken_errnum_ = 0;
    synced_ = offset;
    if (!move_to(offset)) return;
  }
  tell();
}

void Durability::restart(uint64_t offset) {
  MutexLock lock(mutex_);
  broken_errnum_ = 0;
  synced_ = offset;
  durable_.store(offset, std::memory_order_release);
}

int Durability::broken_errnum() const {
  MutexLock lock(mutex_);
  return broken_errnum_;
}

bool Durability::is_broken(uint64_t generation) const {
  MutexLock lock(mutex_);
  return broken_errnum_ != 0 && generation <= broken_generation_;
}

}  // namespace holdfast::log
