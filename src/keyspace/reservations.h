#pragma once

#include <cstdint>
#include <unordered_map>

#include "keyspace/partition_lock.h"

namespace holdfast {

class LockSet;

/// Keys of one partition that long transactions have to themselves while they leave the rest of it to others (see
/// LockSet::open). Guarded by the partition's lock, but for the waiters.
class Reservations {
 public:
  void add(uint64_t hash, LockSet const* owner) { owners_.emplace(hash, owner); }
  void remove_all(LockSet const* owner) {
    std::erase_if(owners_, [owner](auto const& each) { return each.second == owner; });
  }
  bool empty() const { return owners_.empty(); }
  /// Null: nobody has reserved it.
  LockSet const* owner_of(uint64_t hash) const {
    auto const found = owners_.find(hash);
    return found == owners_.end() ? nullptr : found->second;
  }

  /// Woken when an owner is done. Who adds himself holds the lock, so no end is missed.
  WaiterList waiters;

 private:
  std::unordered_map<uint64_t, LockSet const*> owners_;  // by the hash of the key
};

}  // namespace holdfast
