#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast {

/// Something that has happened to a key, for notify-keyspace-events.
struct KeyEvent {
  uint32_t event_class;  ///< one of config::KeyspaceEvents
  int db;
  std::string_view name;
  std::string_view key;
};

/// Who is told what a transaction has done: at its commit, under its locks, so for each key in the order of the commits. On
/// the thread of the transaction; takes leaf mutexes only and waits for nothing.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  /// In the order in which they happened.
  virtual void happened(std::span<KeyEvent const> events) = 0;
};

}  // namespace holdfast
