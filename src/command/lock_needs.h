#pragma once

#include <string_view>

#include "command/command_table.h"
#include "command/worker_context.h"
#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"

namespace holdfast {

/// Calls `use` with each key of the command.
template <class Use>
void for_each_key(Command const& command, Args args, Use&& use) {
  if (command.simple_keys) {
    int const last = command.last_key >= 0 ? command.last_key : static_cast<int>(args.size()) + command.last_key;
    for (int i = command.first_key; i <= last && i < static_cast<int>(args.size()); i += command.key_step) {
      use(args[static_cast<size_t>(i)]);
    }
    return;
  }
  if (command.key_specs.empty()) return;
  KeyPositions keys;
  CommandTable::find_keys(command, args, keys);
  for (auto const& position : keys.positions) {
    if (!position.spec->not_key) use(args[position.index]);
  }
}

/// Whether a command may touch keys that only its handler will know.
inline bool needs_all_partitions(Command const& command, Args args) {
  if (!command.has(kAllPartitions | kPatternKeys)) [[likely]] return false;
  if (command.has(kAllPartitions)) return true;
  for (size_t i = 2; i + 1 < args.size(); i++) {
    if ((args.is(i, "BY") || args.is(i, "GET")) && args[i + 1].find('*') != std::string_view::npos) return true;
  }
  return false;
}

/// Adds the keys of a command to the lock set. The arguments must stay where they are until the locks are released.
inline void add_keys(WorkerContext const& worker, Keyspace const& keyspace, Command const& command, Args args, LockSet& locks) {
  CommandHint const* const hint = worker.hint;
  if (command.simple_keys && hint && command.first_key == command.last_key) {
    std::string_view first = args[static_cast<size_t>(command.first_key)];
    if (first.data() == hint->key.data()) {
      locks.add_key(keyspace, first, hint->hash);
      return;
    }
  }
  for_each_key(command, args, [&](std::string_view key) {
    bool const known = hint && hint->key.data() == key.data() && hint->key.size() == key.size();
    known ? locks.add_key(keyspace, key, hint->hash) : locks.add_key(keyspace, key);
  });
}

}  // namespace holdfast
