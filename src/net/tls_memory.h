#pragma once

#include <cstddef>

namespace holdfast {

/// From now on what OpenSSL takes from the allocator can be counted. Call it before anything uses OpenSSL, once; false: too late.
bool count_tls_memory();

/// While one of these lives, what OpenSSL takes on this thread is added to `bytes`, and what it gives back is taken off. They may
/// not overlap on a thread.
class TlsMemoryCharge {
 public:
  explicit TlsMemoryCharge(ptrdiff_t& bytes);
  ~TlsMemoryCharge();
  TlsMemoryCharge(TlsMemoryCharge const&) = delete;
  TlsMemoryCharge& operator=(TlsMemoryCharge const&) = delete;
};

}  // namespace holdfast
