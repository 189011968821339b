#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// Something that has happened to a key, for notify-keyspace-events.
struct KeyEvent {
  uint32_t event_class;  ///< one of config::KeyspaceEvents
  int db;
  std::string_view name;
  std::string_view key;
};

/// A key that has changed, for who caches what it has read.
struct Invalidation {
  std::string key;
  std::vector<uint64_t> clients;  ///< connections that have read it and not been told since
  bool by_server;                 ///< expired, or no longer remembered: even its own changer must know
};

/// Who is told what a transaction has done: at its commit, under its locks, so for each key in the order of the commits. On
/// the thread of the transaction; takes leaf mutexes only and waits for nothing.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  /// In the order in which they happened.
  virtual void happened(std::span<KeyEvent const> events) = 0;
  /// Called while Keyspace::tracked. `client` has changed the keys (0: nobody), on the thread of `worker` (-1: of none).
  virtual void invalidated(std::span<Invalidation const> keys, uint64_t client, int worker) = 0;
  /// The same for all keys at once.
  virtual void invalidated_all(uint64_t client) = 0;
};

}  // namespace holdfast
