#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "command/gate.h"
#include "command/statistics.h"
#include "command/worker_context.h"
#include "resp/output_buffer.h"
#include "resp/reply.h"
#include "server/internal_session.h"

namespace holdfast {

/// Runs the commands of an AOF, on a thread that owns the key space. Its commands are not in the statistics.
class Replayer {
 public:
  Replayer(Services& services, Gate& gate)
      : services_(services), gate_(gate), statistics_(services.commands.size()), context_(statistics_),
        session_(services, context_), reply_(output_) {
    context_.now_ms = services.clock.unix_ms();
    reply_.set_muted(true);
  }
  Replayer(Replayer const&) = delete;
  Replayer& operator=(Replayer const&) = delete;

  /// Fails, with an empty message, when there is no such command. Errors that a client would be told are no failures.
  Status run(std::span<std::string_view const> command) {
    if (!services_.commands.find(command[0])) return fail("");
    gate_.replay(session_, Args(command), reply_);
    return {};
  }

 private:
  Services& services_;
  Gate& gate_;
  WorkerStatistics statistics_;
  WorkerContext context_;
  InternalSession session_;
  OutputBuffer output_;
  Reply reply_;
};

}  // namespace holdfast
