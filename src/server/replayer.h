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

  /// Fails, with an empty message, when there is no such command. Errors that a client would be told are no failures; but a log
  /// has only what had an effect once, so the first of them is a warning.
  Status run(std::span<std::string_view const> command) {
    if (!services_.commands.find(command[0])) return fail("");
    gate_.replay(session_, Args(command), reply_);
    if (reply_.errors() != 0 && !warned_) [[unlikely]] warn(command[0]);
    return {};
  }

 private:
  void warn(std::string_view name) {
    warned_ = true;
    services_.logger.warning("WARNING: the append only file that is being read has a command that fails ('%.*s' is answered with %.*s), "
                             "as none does that was logged: it may be damaged, see holdfast-check-aof. This is said once.",
                             static_cast<int>(name.size()), name.data(), static_cast<int>(reply_.last_error_code().size()),
                             reply_.last_error_code().data());
  }

  Services& services_;
  Gate& gate_;
  WorkerStatistics statistics_;
  WorkerContext context_;
  InternalSession session_;
  OutputBuffer output_;
  Reply reply_;
  bool warned_ = false;
};

}  // namespace holdfast
