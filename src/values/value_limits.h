#pragma once

#include <atomic>
#include <cstdint>

#include "base/hash.h"

namespace holdfast {

/// Up to where collections stay packed: the directives of the same names. Written by CONFIG SET, read by any thread.
struct ValueLimits {
  std::atomic<uint64_t> hash_max_listpack_entries{128};
  std::atomic<uint64_t> hash_max_listpack_value{64};
  std::atomic<int64_t> list_max_listpack_size{-2};
  std::atomic<uint64_t> set_max_intset_entries{512};
  std::atomic<uint64_t> set_max_listpack_entries{128};
  std::atomic<uint64_t> set_max_listpack_value{64};
  std::atomic<uint64_t> zset_max_listpack_entries{128};
  std::atomic<uint64_t> zset_max_listpack_value{64};
  std::atomic<uint64_t> stream_node_max_bytes{4096};
  std::atomic<uint64_t> stream_node_max_entries{100};
  std::atomic<uint64_t> hll_sparse_max_bytes{3000};
};

/// What operations on values share. Outlives them.
struct ValueContext {
  KeyHasher const& hasher;
  ValueLimits const& limits;
};

}  // namespace holdfast
