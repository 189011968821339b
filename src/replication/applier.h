#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "command/gate.h"
#include "command/session.h"
#include "command/statistics.h"
#include "command/worker_context.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"
#include "resp/request_parser.h"

namespace holdfast::replication {

/// Executes the stream of a primary, through the gate and under the same locks as everybody: a transaction of the primary is one
/// here, too. What is executed is logged as it came, at its commit, so data and log agree at every cut. Used by one thread, which
/// may wait for locks.
class Applier {
 public:
  /// What the stream has for others than the keys.
  struct Signals {
    /// REPLCONF GETACK, before its bytes count.
    std::function<void()> asked;
    /// The mark of a proof: everything before it is executed, and nothing behind it until this returns.
    std::function<void(std::string_view id)> marked;
  };
  Applier(Services& services, Gate& gate, WorkerStatistics& statistics, Signals signals);
  ~Applier();

  /// A stream in which `db` is selected. `card`: of the connection it comes from; it is among the clients until the end.
  void begin(int db, std::shared_ptr<ClientCard> card);
  /// Executes all complete commands. Returns how many bytes of `input` are done with; what is left comes again, in front of what
  /// follows. Fails when the bytes are no stream of commands.
  Result<size_t> apply(std::string_view input);
  /// Bytes behind `input` that the command it ends in is known to need.
  size_t bytes_wanted() const { return parser_.bytes_wanted(); }
  /// The stream has broken off: a transaction that is not complete comes again with the next one.
  void end();

 private:
  class LinkSession;
  class CommandWaiter;

  void run(CommandView const& command, std::string_view bytes);
  void execute(Args args);
  void note_error(Args args);

  Services& services_;
  Gate& gate_;
  Signals signals_;
  WorkerContext context_;
  std::unique_ptr<LinkSession> session_;
  OutputBuffer output_;
  Reply reply_;
  RequestParser parser_;
  CommandBatch batch_;
  std::string transaction_;  ///< MULTI and what has come behind it
};

}  // namespace holdfast::replication
