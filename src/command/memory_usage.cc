#include "command/memory_usage.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "command/client_card.h"
#include "command/session.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "memory/block_heap.h"

namespace holdfast {

uint64_t client_memory(ClientCard const& card) {
  constexpr auto kOrder = std::memory_order_relaxed;
  return sizeof(ClientCard) + sizeof(Session) + card.input_bytes.load(kOrder) + card.input_free_bytes.load(kOrder) +
         card.argument_bytes.load(kOrder) + card.queued_bytes.load(kOrder) + card.output_bytes.load(kOrder) +
         card.listening_bytes.load(kOrder) + card.tls_bytes.load(kOrder);
}

ResidentMemory resident_memory() {
  std::unique_ptr<FILE, decltype([](FILE* file) { std::fclose(file); })> const file(std::fopen("/proc/self/statm", "re"));
  unsigned long size = 0;
  unsigned long resident_pages = 0;
  unsigned long file_pages = 0;
  if (!file || std::fscanf(file.get(), "%lu %lu %lu", &size, &resident_pages, &file_pages) != 3) return {};
  auto const page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return {resident_pages * page_bytes, (resident_pages - std::min(resident_pages, file_pages)) * page_bytes};
}

void MemoryUsage::note_startup() {
  startup_.store(heap_bytes_of_this_thread(), std::memory_order_relaxed);
}

MemoryFigures MemoryUsage::measure(Keyspace const& keyspace, ClientRegistry& clients, log::Log const& log) {
  MemoryFigures figures{.startup = startup_.load(std::memory_order_relaxed), .log_buffer = log.sizes().buffer_bytes};
  for (int db = 0; db < keyspace.databases(); db++) figures.keys += keyspace.memory_bytes(db);
  for (auto const& card : clients.list()) figures.clients += client_memory(*card);
  uint64_t const total = figures.total();
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (total > peak && !peak_.compare_exchange_weak(peak, total, std::memory_order_relaxed)) continue;
  return figures;
}

}  // namespace holdfast
