#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast {

namespace log {
class Log;
}
class ClientRegistry;
class Keyspace;

/// used_memory and where it is, in bytes. Our own accounting: exact for keys, a sum of buffers for the rest. Costs one
/// relaxed load per partition and database, and one walk over the connections.
struct MemoryFigures {
  uint64_t startup = 0;        ///< of the process before it had keys or connections
  uint64_t keys = 0;           ///< records, shared strings and tables of all databases
  uint64_t clients = 0;        ///< buffers and state of the connections
  uint64_t log_buffer = 0;     ///< appended and not written yet
  uint64_t total() const { return startup + keys + clients + log_buffer; }
  /// What maxmemory limits: what eviction can do nothing about, and would make it go on for ever, is left out.
  uint64_t counted() const { return total() - log_buffer; }
};

/// Measures used_memory and remembers its peak. Any thread.
class MemoryUsage {
 public:
  /// Once, by the thread that made the parts, when the process is complete and still empty: what the allocator has given out
  /// is `startup` from now on.
  void note_startup();
  /// Raises the peak. The server calls this about ten times a second.
  MemoryFigures measure(Keyspace const& keyspace, ClientRegistry& clients, log::Log const& log);
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> startup_{0};
  std::atomic<uint64_t> peak_{0};
};

/// Bytes of this process that are in memory; 0 when /proc is not there.
struct ResidentMemory {
  uint64_t total = 0;      ///< RSS
  uint64_t anonymous = 0;  ///< without programs, libraries and files
};
ResidentMemory resident_memory();
inline uint64_t resident_bytes() { return resident_memory().total; }

struct ClientCard;
/// Bytes that a connection takes.
uint64_t client_memory(ClientCard const& card);

}  // namespace holdfast
