#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "command/args.h"
#include "keyspace/txn.h"
#include "resp/reply.h"

namespace holdfast {

class ScriptRun;
class Session;
class Task;

/// Works on keys: runs inside a Txn that holds the partitions of all keys its row declares (or all partitions).
using DataHandler = void (*)(Txn& txn, Args args, Reply& reply);
/// Works on keys and on the connection (WATCH).
using SessionDataHandler = void (*)(Txn& txn, Session& session, Args args, Reply& reply);
/// Works on the connection or the server; holds no partition lock of its own.
using SessionHandler = void (*)(Session& session, Args args, Reply& reply);
/// Long work: checks the arguments and returns what is to be done in slices (task.h), or replies an error and returns null.
using TaskHandler = std::unique_ptr<Task> (*)(Session& session, Args args, Reply& reply);

/// Runs commands of its own (EVAL, FCALL): checks the arguments and finds the script, or replies an error and returns null.
using ScriptHandler = std::unique_ptr<ScriptRun> (*)(Session& session, Args args, Reply& reply);

using Handler =
    std::variant<std::monostate, DataHandler, SessionDataHandler, SessionHandler, TaskHandler, ScriptHandler>;

/// A command is data: one row of its family's table. Lock sets, COMMAND, ACL categories, replication rules and the fuzz
/// dictionary come from the row. A subcommand is a row of its own, "config|get"; its container "config" is a row as well.
struct CommandRow {
  std::string_view name;   ///< lower case
  int arity;               ///< name included; negative: at least
  /// Words of COMMAND INFO ("write denyoom fast ..."), and of ours: "all_partitions" (a DataHandler that needs every
  /// partition), "pattern_keys" (needs every partition when its BY or GET name keys by a pattern), "may_replicate",
  /// "protected", "touches_arbitrary_keys", "while_subscribed" (all that a RESP2 subscriber may use), "publishes" (the first
  /// argument is a channel), "listens", "listens_patterns" (all are channels, or patterns of channels); hidden from COMMAND.
  std::string_view flags;
  /// Key specifications, separated by ';', each `<flags> <begin> <find>`: begin `i1` (index) | `kw(WORD,start)` | `unk`,
  /// find `r(last,step,limit)` | `n(numidx,first,step)` | `unk` | `opt(WORD=1,OTHER=n)`, which is unknown to clients: the key
  /// behind the last WORD, where n arguments of OTHER are passed over; before another find it is told to nobody.
  /// E.g. "RW access update i1 r(0,1,0)". A note may follow in double quotes.
  std::string_view keys;
  /// ACL categories without '@' that do not follow from the flags (write, read, fast, slow, admin, dangerous, pubsub and
  /// blocking do follow).
  std::string_view categories;
  std::string_view tips;   ///< separated by ';'
  std::string_view group;  ///< generic string ... as in COMMAND DOCS
  std::string_view since;
  std::string_view complexity;
  std::string_view summary;
  /// The arguments, in the notation of docs/command-syntax.md; COMMAND DOCS is made from it.
  std::string_view syntax;
  Handler handler = {};               ///< none: a container of subcommands
  std::string_view history = {};       ///< "version: text; version: text"
  std::string_view deprecated = {};    ///< "since version: replaced by"
  /// Of a handler that works on keys: asked first, without locks and only outside of EXEC. Returns a task that does all that the handler
  /// would, for arguments with which the handler would hold its locks for long, or null. Replies nothing.
  TaskHandler long_form = nullptr;
  /// Place of the first argument that names an element of the first key's value, for the prefetch of pipelines; 0: none does.
  int element = 0;
};

/// The rows of one family; every family header declares one such function.
using CommandRows = std::span<CommandRow const>;

}  // namespace holdfast
