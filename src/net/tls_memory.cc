#include "net/tls_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>

#include "base/check.h"

namespace holdfast {
namespace {

/// OpenSSL hands its allocator nothing by which the owner could be told: so the thread knows for whom it works.
thread_local ptrdiff_t* charged = nullptr;

void add(void* block) {
  if (charged && block) *charged += static_cast<ptrdiff_t>(malloc_usable_size(block));
}

void remove(void* block) {
  if (charged && block) *charged -= static_cast<ptrdiff_t>(malloc_usable_size(block));
}

void* allocate(size_t bytes, char const*, int) {
  void* const block = std::malloc(bytes);
  add(block);
  return block;
}

void* reallocate(void* block, size_t bytes, char const*, int) {
  remove(block);
  void* const moved = std::realloc(block, bytes);
  add(moved == nullptr && bytes > 0 ? block : moved);
  return moved;
}

void release(void* block, char const*, int) {
  remove(block);
  std::free(block);
}

}  // namespace

bool count_tls_memory() { return CRYPTO_set_mem_functions(&allocate, &reallocate, &release) == 1; }

TlsMemoryCharge::TlsMemoryCharge(ptrdiff_t& bytes) {
  CHECK(!charged);
  charged = &bytes;
}

TlsMemoryCharge::~TlsMemoryCharge() { charged = nullptr; }

}  // namespace holdfast
