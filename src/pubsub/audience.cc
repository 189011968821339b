#include "pubsub/audience.h"

#include "command/command_table.h"
#include "command/session.h"
#include "keyspace/txn.h"

namespace holdfast {

Audience::Audience(World const& world)
    : office(world.workers),
      pubsub(office),
      events(world.keyspace, pubsub),
      tracking(world.workers, office, world.config, world.keyspace, world.clients),
      monitors(office, world.clock, monitored) {}

void Audience::forget(Session& session) {
  pubsub.unsubscribe_all(session);
  tracking.disable(session);
  monitors.remove(session);
}

void Audience::executed(Session& session, Command const& command, Args args, bool by_script) {
  monitors.show(session, command, args, by_script);
}

void Audience::has_read(Session& session, Command const& command, Args args, Txn& txn) {
  if (!session.tracking->remembers()) return;
  KeyPositions keys;
  CommandTable::find_keys(command, args, keys);
  for (KeyPositions::Position const& position : keys.positions) {
    if (!position.spec->not_key) txn.track(args[position.index], session.card().id);
  }
}

void Audience::after_command(Session& session) {
  if (!session.tracking) return;
  // CLIENT CACHING is meant for the next command, or for the whole of a transaction.
  Command const& command = session.services().commands.by_id(session.card().last_command.load(std::memory_order_relaxed));
  if (!session.transaction.open && !command.full_name.starts_with("client")) session.tracking->caching = false;
  tracking.limit_table(session);
}

}  // namespace holdfast
